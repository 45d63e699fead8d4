//! `Barrier`: a line that all parties reach before any of them goes on.
//!
//! The rounds themselves are in `sync::rounds`, who takes part in them in `sync::members`. Each wait is an arrival in the current
//! round; the last one opens the next round. The others look for a while, then sleep on the round's words and on those of
//! all members, so that the kernel wakes them also when a member dies; the first one to see that breaks the round.
//!
//! # Safety
//! Plain words; the links in the members' slots mean something only to the thread that holds the slot. In shared memory nobody
//! ever has one exclusively, so that none moves while a slot is held (as with `Mutex`, Invariant 2 there).

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::time::{Duration, Instant};

use super::members::Members;
use super::patience::Patience;
use super::rounds::{self, Arrival, Broken, Rounds};
use super::spin::Spin;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sys::futex;

/// A line that so many parties have to reach before any of them goes on, round after round.
///
/// A party is a thread, of whatever process. It becomes one by its first [`wait`](Self::wait), and stays one until it ends.
///
/// A barrier breaks when a round cannot come to its end as it should: a party died, gave up after its time, or called
/// [`abort`](Self::abort). All who wait are told at once, and so is everybody who comes later, until somebody calls
/// [`reset`](Self::reset).
///
/// # Fork and death
/// When a party is killed, while it waits or anywhere between two rounds, the barrier breaks at once for all who wait, timed or
/// not. A thread or process that ends of itself between two rounds leaves quietly, so that another may take its
/// place. The kernel watches 64 parties; the death of one of those beyond is not noticed.
///
/// # Examples
/// ```
/// use offspring::Shared;
/// use offspring::sync::Barrier;
///
/// let line = Shared::new(Barrier::new(2))?;
/// let other = line.clone();
/// let other = std::thread::spawn(move || other.wait().map(|it| it.index));
/// let mine = line.wait()?.index;
/// let theirs = other.join().unwrap()?;
/// assert_eq!(mine + theirs, 1);
/// # Ok::<(), offspring::Error>(())
/// ```
#[repr(C, align(64))]
pub struct Barrier {
    rounds: Rounds,
    members: Members,
    parties: usize,
}

// SAFETY: plain words, see the module.
#[diagnostic::do_not_recommend]
unsafe impl Shareable for Barrier {
    const LAYOUT: u64 = Hasher::start("Barrier").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl Barrier {
    /// A barrier for so many parties. For none it is like one for a single party: nobody waits.
    #[must_use]
    pub const fn new(parties: usize) -> Self {
        let full = if parties > rounds::MOST as usize { rounds::MOST } else { parties as u32 };
        let full = if full == 0 { 1 } else { full };
        Self { rounds: Rounds::new(full), members: Members::new(), parties }
    }

    /// Waits until all parties have come; then all go on.
    ///
    /// # Errors
    /// [`Broken`] when the barrier is broken, or breaks while this party waits.
    ///
    /// # Fork and death
    /// A caller that dies in here breaks the barrier for all who wait. When it was the last one to come, that may happen to the round
    /// that begins then.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Barrier;
    ///
    /// let alone = Barrier::new(1);
    /// assert!(alone.wait()?.is_leader);
    /// alone.abort();
    /// assert!(alone.wait().is_err());
    /// # Ok::<(), offspring::Error>(())
    /// ```
    #[inline]
    pub fn wait(&self) -> Result<BarrierWaitResult, Broken> {
        self.wait_with(Patience::Endless)
    }

    /// Waits until all parties have come, but at most this long: then the barrier breaks, for all.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait); one whose time ran out is told the same.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Barrier;
    /// use std::time::Duration;
    ///
    /// let lonely = Barrier::new(2);
    /// assert!(lonely.wait_timeout(Duration::from_millis(5)).is_err());
    /// assert!(lonely.is_broken());
    /// ```
    #[doc(alias = "timeout")]
    pub fn wait_timeout(&self, time: Duration) -> Result<BarrierWaitResult, Broken> {
        self.wait_with(Patience::of(time))
    }

    /// Waits until all parties have come, or until this instant: then the barrier breaks, for all.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    pub fn wait_until(&self, end: Instant) -> Result<BarrierWaitResult, Broken> {
        self.wait_with(Patience::Until(end))
    }

    /// Breaks the barrier, for all who wait and all who come.
    ///
    /// # Fork and death
    /// The barrier is broken for all or for nobody, at whatever instruction the caller dies.
    pub fn abort(&self) {
        while !self.rounds.break_current() {}
    }

    /// Makes a broken barrier whole again, and forgets the parties that died. Those who wait at this moment get [`Broken`].
    ///
    /// # Fork and death
    /// A caller that dies in here leaves the barrier broken or whole, and nobody waiting for ever; it can be reset again.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Barrier;
    ///
    /// let alone = Barrier::new(1);
    /// alone.abort();
    /// alone.reset();
    /// assert!(alone.wait().is_ok());
    /// ```
    pub fn reset(&self) {
        let turn = loop {
            if let Some(turn) = self.rounds.broken() {
                break turn;
            }
            if self.members.any_dead() {
                self.abort();
            } else if self.rounds.restart() {
                return;
            }
        };
        for dead in self.members.dead() {
            // Another reset may be quicker; whoever dies after that breaks the next round.
            if self.rounds.is_at(turn) && self.members.bury(dead) && !self.rounds.is_at(turn) {
                self.abort();
            }
        }
        self.rounds.reopen(turn);
    }

    /// How many parties make a round.
    #[must_use]
    pub const fn parties(&self) -> usize {
        self.parties
    }

    /// How many parties wait at this moment.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        self.rounds.arrived() as usize
    }

    /// Whether the barrier is broken at this moment.
    #[must_use]
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> bool {
        self.rounds.is_broken()
    }

    #[inline]
    fn wait_with(&self, patience: Patience) -> Result<BarrierWaitResult, Broken> {
        if !self.members.have_me() {
            self.join()?;
        }
        let arrival = self.rounds.arrive()?;
        let is_leader = arrival.index + 1 == self.rounds.parties();
        if is_leader {
            self.rounds.complete(arrival);
        } else {
            self.wait_for_others(arrival, patience)?;
        }
        Ok(BarrierWaitResult { is_leader, index: arrival.index as usize })
    }

    /// From now on, this thread's death breaks the barrier.
    #[cold]
    fn join(&self) -> Result<(), Broken> {
        if self.is_broken() {
            return Err(Broken);
        }
        if self.members.any_dead() || !self.members.join() {
            self.abort();
            return Err(Broken);
        }
        Ok(())
    }

    fn wait_for_others(&self, arrival: Arrival, patience: Patience) -> Result<(), Broken> {
        let mut spin = Spin::new();
        let mut slept = false;
        loop {
            if let Some(outcome) = self.rounds.outcome(arrival) {
                if slept {
                    self.rounds.finish_waking();
                } else {
                    spin.found();
                }
                return outcome;
            }
            if spin.again() {
                continue;
            }
            match patience.nap() {
                Some(nap) => self.sleep(arrival, nap),
                // Unless the last one comes in this moment.
                None => self.rounds.break_round(arrival),
            }
            slept = true;
        }
    }

    /// Sleeps until the round is over, a member dies, or somebody becomes a member.
    fn sleep(&self, arrival: Arrival, nap: Duration) {
        let Some(words) = self.rounds.words_to_sleep_on(arrival) else { return };
        let Some(watch) = self.members.watch(words) else {
            return self.rounds.break_round(arrival);
        };
        if !futex::wait_any(watch.words(), nap) {
            self.members.look_after();
        }
    }
}

/// Shows how many parties it is for, how many of them wait, and whether it is broken.
impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("n_waiting", &self.n_waiting())
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

/// What a party learns about the round that it has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    /// Whether this party was the last one to come; in each round there is one.
    pub is_leader: bool,
    /// How many parties had come before this one.
    pub index: usize,
}

impl BarrierWaitResult {
    /// Whether this party was the last one to come; in each round there is one.
    #[must_use]
    pub const fn is_leader(&self) -> bool {
        self.is_leader
    }

    /// How many parties had come before this one: from 0 to one less than there are parties, each number once.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}
