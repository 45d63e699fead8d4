//! `Event`: a flag that threads and processes wait for.
//!
//! ```text
//! bit 63 …                  32  31        30        29 … 0
//! | changes (odd while set)    | SLEEPERS | WAKING | 0 …  |
//! ```
//! One word, changed by compare-and-exchange, so that everything is a moment: no lock, and nothing that a signal handler
//! could find half done. It is the count of changes that a waiter waits for, not the flag: who waited when it was set goes on,
//! also when it was cleared again at once.
//!
//! Invariant 1: whoever sleeps has put `SLEEPERS` there at the count that it compares when it goes to sleep. A setter takes it away
//! and puts `WAKING` there in the same step, and that goes away only after a wake-up of all at the same setting, or later.
//! Kill points: the setter announces the word before the step and takes that back after `WAKING` is gone. Killed in between, the kernel
//! wakes one sleeper in its place (which is why the lower 30 bits are 0); that one finds `WAKING`, and wakes the others.
//!
//! Orderings: each change of the flag is AcqRel, and pairs with the Acquire loads of those who look.
//!
//! # Safety
//! An event is one plain word.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use super::patience::Patience;
use super::spin::Spin;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sys::{futex, robust};

/// Somebody may be asleep.
const SLEEPERS: u64 = 0x8000_0000;
/// All who sleep are to be woken, and whoever set the event may not have done it yet.
const WAKING: u64 = 0x4000_0000;
/// One change more.
const CHANGE: u64 = 1 << 32;

/// A flag that is set or not, and that others can wait for: a starting gun between processes.
///
/// It stays set until somebody clears it, so that whoever comes late goes on at once. Whoever was waiting when it was set
/// goes on in any case, also when it was cleared in the same instant.
///
/// # Fork and death
/// A process that dies while it waits changes nothing for anyone, and nobody waits for it. One that dies
/// inside [`set`](Self::set) has set the event for all, or for nobody.
///
/// # Examples
/// ```
/// use offspring::Shared;
/// use offspring::sync::Event;
///
/// let ready = Shared::new(Event::new())?;
/// let runner = ready.clone();
/// let runner = std::thread::spawn(move || runner.wait());
/// ready.set();
/// runner.join().unwrap();
/// assert!(ready.is_set());
/// # Ok::<(), offspring::Error>(())
/// ```
#[repr(C, align(64))]
pub struct Event {
    state: AtomicU64,
}

// SAFETY: see the module.
#[diagnostic::do_not_recommend]
unsafe impl Shareable for Event {
    const LAYOUT: u64 = Hasher::start("Event").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl Event {
    /// An event that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: AtomicU64::new(0) }
    }

    /// Sets the event: all who wait go on, and so does everybody who comes before it is cleared.
    ///
    /// It never waits for those who wait, and may be called from a signal handler, whatever the handler interrupted.
    ///
    /// # Fork and death
    /// The event is set for all or for nobody, at whatever instruction the caller dies.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Event;
    ///
    /// let event = Event::new();
    /// event.set();
    /// event.wait();
    /// ```
    #[inline]
    pub fn set(&self) {
        let mut state = self.state.load(Relaxed);
        while state & (SLEEPERS | WAKING) == 0 {
            // Also when it is set already: whoever sees it set sees what came before this call.
            let new = state + u64::from(!is_set(state)) * CHANGE;
            match self.state.compare_exchange_weak(state, new, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        self.set_contended();
    }

    /// Takes the flag back; from now on one has to wait for the next [`set`](Self::set).
    ///
    /// Those who waited when it was set go on in spite of this.
    ///
    /// # Fork and death
    /// The event is cleared or not, at whatever instruction the caller dies.
    pub fn clear(&self) {
        let cleared = |state| is_set(state).then(|| state.wrapping_add(CHANGE));
        let _ = self.state.fetch_update(AcqRel, Relaxed, cleared);
    }

    /// Whether the event is set at this moment.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        is_set(self.state.load(Acquire))
    }

    /// Waits until the event is set; returns at once if it is.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[inline]
    pub fn wait(&self) {
        self.wait_with(Patience::Endless);
    }

    /// Waits until the event is set, but at most this long; false says that the time ran out.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Event;
    /// use std::time::Duration;
    ///
    /// let event = Event::new();
    /// assert!(!event.wait_timeout(Duration::from_millis(5)));
    /// event.set();
    /// assert!(event.wait_timeout(Duration::ZERO));
    /// ```
    #[doc(alias = "wait_for")]
    pub fn wait_timeout(&self, time: Duration) -> bool {
        self.is_set() || self.wait_with(Patience::of(time))
    }

    /// Waits until the event is set, or this instant has come: then it gives false.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    pub fn wait_until(&self, end: Instant) -> bool {
        self.wait_with(Patience::Until(end))
    }

    #[inline]
    fn wait_with(&self, patience: Patience) -> bool {
        let first = self.state.load(Acquire);
        is_set(first) || self.wait_for_change(first, patience)
    }

    /// Waits for the count of changes to be another one than in `first`, where the event is not set.
    fn wait_for_change(&self, first: u64, patience: Patience) -> bool {
        let mut spin = Spin::new();
        let mut slept = false;
        loop {
            let state = self.state.load(Acquire);
            if changes(state) != changes(first) {
                if slept {
                    self.finish_waking();
                } else {
                    spin.found();
                }
                return true;
            }
            if spin.again() {
                continue;
            }
            let Some(nap) = patience.nap() else { return false };
            let Some(words) = self.mark(state) else { continue };
            futex::wait_any(&words, nap);
            slept = true;
        }
    }

    /// Marks that somebody is about to sleep: the words for that, and what they hold. `None` if it is not in this state any
    /// more.
    #[inline]
    fn mark(&self, state: u64) -> Option<[(&AtomicU32, u32); 2]> {
        let marked = state | SLEEPERS;
        if state != marked {
            self.state.compare_exchange(state, marked, Relaxed, Relaxed).ok()?;
        }
        // Both halves: the count says exactly whether it is still the same wait (Invariant 1).
        let [low, high] = futex::halves(&self.state);
        Some([(low, marked as u32), (high, changes(marked))])
    }

    /// How often it has changed, for a wait that begins now.
    pub(crate) fn changes(&self) -> u32 {
        changes(self.state.load(Acquire))
    }

    /// Whether a wait that began at this count is over: it is set, or was meanwhile.
    pub(crate) fn is_over(&self, first: u32) -> bool {
        let state = self.state.load(Acquire);
        is_set(state) || changes(state) != first
    }

    /// Words to be slept on beside others, and what they hold; `None` when the wait that began at this count is over.
    ///
    /// Whoever has slept on them calls [`finish_waking`](Self::finish_waking).
    pub(crate) fn watch(&self, first: u32) -> Option<[(&AtomicU32, u32); 2]> {
        loop {
            let state = self.state.load(Acquire);
            if is_set(state) || changes(state) != first {
                return None;
            }
            if let Some(words) = self.mark(state) {
                return Some(words);
            }
        }
    }

    /// Sets the event where somebody may be asleep. In a signal handler it may interrupt itself.
    #[cold]
    fn set_contended(&self) {
        let [low, _] = futex::halves(&self.state);
        let _announced = robust::announce(low);
        let set = |state: u64| match state & (SLEEPERS | WAKING) {
            0 => Some(state + u64::from(!is_set(state)) * CHANGE),
            _ if is_set(state) => Some(state),
            _ => Some((state & !SLEEPERS | WAKING).wrapping_add(CHANGE)),
        };
        let _ = self.state.fetch_update(AcqRel, Relaxed, set);
        self.finish_waking();
    }

    /// Does what is left of a setter's work: all are woken, then `WAKING` goes.
    pub(crate) fn finish_waking(&self) {
        let state = self.state.load(Acquire);
        if state & WAKING == 0 {
            return;
        }
        let [low, _] = futex::halves(&self.state);
        // Killed in here, this is the next one whose work is left to do.
        let _announced = robust::announce(low);
        futex::wake_all(low);
        // Who was set free by a later setting may still be asleep: then it is that setter's to take away.
        let done =
            |now| (now & WAKING != 0 && settings(now) == settings(state)).then_some(now & !WAKING);
        let _ = self.state.fetch_update(Relaxed, Relaxed, done);
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows whether it is set.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.is_set()).finish_non_exhaustive()
    }
}

fn changes(state: u64) -> u32 {
    (state >> 32) as u32
}

fn is_set(state: u64) -> bool {
    state & CHANGE != 0
}

/// How often it has been set.
fn settings(state: u64) -> u32 {
    changes(state).wrapping_add(1) / 2
}
