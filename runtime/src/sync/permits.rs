//! Permits that know their holders: what both semaphores are made of.
//!
//! ```text
//! open   a bit for each slot that has a permit        bell  asleep or not: the head of the queue sleeps here
//! slots  64 lock words: free, or the holder's tid     turn  whose turn it is to watch: the head of the queue
//! loose  the number of free permits beyond 64
//! ```
//! To take a permit is to take the lock word of an open slot, and that is the whole act: the kernel gives the permits of the
//! dead back by itself, since a word whose owner died is free. A thread that has a slot takes further permits from `loose` first, and
//! has them in its slot's account (`sync::loose`), which the next one to take the slot gives back if the thread died. Only one who
//! finds all slots taken by others takes a loose permit that nobody remembers.
//!
//! Invariant 1: a bit of `open` is cleared only by the holder of its slot, and set by the one who adds a permit. Who takes a
//! slot looks at its bit again: if the permit has been consumed in the meantime, the slot is given back and was never a permit.
//! Invariant 2: of those who wait, one has `turn`, and only that one sleeps on slots and `bell`; the others sleep on `turn`. So a
//! permit that comes wakes one sleeper; when that one has taken it and gives `turn` on, the next one looks before it sleeps. When
//! the head dies, the kernel gives `turn` on.
//! Invariant 3: the head first says where it is about to sleep (`bell`, and the waiters' mark in each slot held), then looks for
//! a permit, then sleeps unless one of those words has changed. Who gives a permit does it the other way round. (SeqCst on both sides.)
//!
//! Kill points of adding a permit: before the change nothing has happened; between the change and the wake-up, the kernel
//! wakes the head instead, since `bell` was announced. Of consuming one: until the bit is cleared the permit comes back
//! when the kernel frees the slot; after that the slot is free and has no permit.

use std::cell::Cell;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use super::loose::{Loose, MOST};
use super::patience::Patience;
use super::raw::{Held, RawLock, Refusal};
use super::spin::Spin;
use crate::sys::futex;
use crate::sys::robust::{Kind, announce, current};

/// How many permits can have a holder that is known.
const SLOTS: usize = 64;
/// The bound of a semaphore that has none.
const UNBOUNDED: u32 = u32::MAX;
/// In `bell`: the head of the queue is asleep, or about to be. In the high bits, as `announce` wants it.
const ASLEEP: u32 = 1 << 31;

/// The permits of one semaphore.
// On a line of cache of its own, so that taking a permit of one semaphore does not disturb those of its neighbours.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Permits {
    open: AtomicU64,
    loose: Loose,
    bell: AtomicU32,
    /// Of a bounded semaphore: how many loose permits were consumed and may be added again.
    missing: AtomicU32,
    /// How many permits there may be at most, or `UNBOUNDED`.
    bound: u32,
    turn: RawLock,
    slots: [RawLock; SLOTS],
}

/// A permit in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right {
    /// One of those of a slot: of all that its holder has, any stands for any other.
    Slot(usize, Held),
    /// One that is only counted, taken by the thread of this id.
    Loose(u32),
}

/// What a thread knows about its permits, of whatever semaphore.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// At least as many as it has in slots.
    count: usize,
    /// The slot that it had last: where to look first.
    last: u32,
}

thread_local! {
    // No destructor and a constant start: possible at any time in a thread's life.
    static OWN: Cell<Own> = const { Cell::new(Own { count: 0, last: 0 }) };
}

impl Permits {
    /// So many permits, all free, and no more than so many at any time if they are `bounded`.
    pub(crate) const fn new(permits: usize, bounded: bool) -> Self {
        let permits = if permits < MOST as usize { permits } else { MOST as usize };
        let in_slots = if permits < SLOTS { permits } else { SLOTS };
        Self {
            open: AtomicU64::new(spread(in_slots)),
            loose: Loose::new((permits - in_slots) as u64),
            bell: AtomicU32::new(0),
            missing: AtomicU32::new(0),
            bound: if bounded { permits as u32 } else { UNBOUNDED },
            turn: RawLock::new(),
            slots: [const { RawLock::new() }; SLOTS],
        }
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound as usize
    }

    /// Takes a permit, waiting as long as `patience` says.
    #[inline]
    pub(crate) fn acquire(&self, patience: Patience) -> Option<Right> {
        match self.take() {
            None if !matches!(patience, Patience::None) => self.wait(patience),
            taken => taken,
        }
    }

    /// Gives a permit back, if this thread still has it.
    #[inline]
    pub(crate) fn give_back(&self, right: Right) {
        match right {
            Right::Slot(index, held) if self.is_mine(index) => self.leave(index, held),
            Right::Loose(tid) if tid == current().tid() => self.ring_after(|| {
                self.loose.add();
            }),
            _ => {}
        }
    }

    /// Does away with a permit, if this thread still has it.
    pub(crate) fn consume(&self, right: Right) {
        match right {
            Right::Slot(index, held) if self.is_mine(index) => {
                if Loose::count(&self.slots[index]) > 0 {
                    Loose::consume_from(&self.slots[index]);
                    self.missing.fetch_add(1, SeqCst);
                } else {
                    self.open.fetch_and(!(1 << index), SeqCst);
                    self.leave(index, held);
                }
            }
            Right::Loose(tid) if tid == current().tid() => {
                self.missing.fetch_add(1, SeqCst);
            }
            _ => {}
        }
    }

    /// Gives back a permit that this thread has; if it has none, adds one. False when there are as many as there may be.
    pub(crate) fn release(&self) -> bool {
        if let Some((index, held)) = self.own_slot() {
            self.leave(index, held);
            return true;
        }
        let mut added = false;
        self.ring_after(|| added = self.add());
        added
    }

    /// How many could be taken at this moment.
    pub(crate) fn available(&self) -> usize {
        // A free slot, and what its last holder had in its account if that died.
        let free = |index: usize| match &self.slots[index] {
            slot if slot.is_locked() => 0,
            slot => 1 + Loose::count(slot),
        };
        let free = self.open_slots().map(free).sum::<u64>() + self.loose.free();
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    /// The processes of those who have permits of slots, one entry a permit.
    pub(crate) fn holders(&self) -> Vec<u32> {
        self.open_slots().filter_map(|index| self.slots[index].holder()).collect()
    }

    /// Takes a permit if there is one.
    #[inline]
    fn take(&self) -> Option<Right> {
        let Own { count, last } = OWN.get();
        if count > 0 && self.loose.free() > 0 {
            if let Some(right) = self.take_more() {
                return Some(right);
            }
        }
        loop {
            let mut left = self.open.load(SeqCst).rotate_right(last);
            let mut lost = false;
            while left != 0 {
                let index = ((left.trailing_zeros() + last) as usize) % SLOTS;
                left &= left - 1;
                if self.slots[index].is_locked() {
                    continue;
                }
                let Ok(held) = self.slots[index].lock_as(Kind::Place, Patience::None) else {
                    continue;
                };
                if self.slots[index].begin_use() {
                    self.inherit(index);
                }
                if self.has_permit(index) {
                    let own = OWN.get();
                    OWN.set(Own { count: own.count + 1, last: index as u32 });
                    return Some(Right::Slot(index, held));
                }
                // Consumed by the one who had it (Invariant 1).
                self.slots[index].unlock(held);
                lost = true;
            }
            // Another permit may have come that was not seen because of what was taken by mistake.
            if !lost {
                return self.loose.take().then(|| Right::Loose(current().tid()));
            }
        }
    }

    /// Takes a loose permit into a slot that this thread has.
    #[cold]
    fn take_more(&self) -> Option<Right> {
        let (index, held) = self.own_slot()?;
        self.loose.take_for(&self.slots, index).then_some(Right::Slot(index, held))
    }

    /// Gives back the loose permits of the one who died with this slot, which this thread has now.
    #[cold]
    fn inherit(&self, index: usize) {
        self.ring_after(|| self.loose.inherit(&self.slots, index));
        // Killed before this line: the next one does it again.
        self.slots[index].set_doubtful(false);
    }

    #[cold]
    fn wait(&self, patience: Patience) -> Option<Right> {
        let mut spin = Spin::new();
        // Those who queue come first.
        while !self.turn.is_locked() && spin.again() {
            if let Some(right) = self.take() {
                spin.found();
                return Some(right);
            }
        }
        let turn = match self.turn.lock_as(Kind::Place, patience) {
            Ok(held) => Some(held),
            Err(Refusal::Busy) => return self.take(),
            // A signal handler has interrupted the head: it waits beside itself.
            Err(_) => None,
        };
        let right = self.wait_as_head(patience);
        if let Some(held) = turn {
            self.turn.unlock(held);
        }
        right
    }

    fn wait_as_head(&self, patience: Patience) -> Option<Right> {
        loop {
            let mut spin = Spin::new();
            loop {
                if let Some(right) = self.take() {
                    spin.found();
                    return Some(right);
                }
                if !spin.again() {
                    break;
                }
            }
            self.bell.store(ASLEEP, SeqCst);
            let mut words = [(&self.bell, ASLEEP); 1 + SLOTS];
            let mut count = 1;
            let mut missed = false;
            for index in self.open_slots() {
                if let Some(expected) = self.slots[index].watch() {
                    words[count] = (self.slots[index].word(), expected);
                    count += 1;
                } else {
                    missed = true;
                }
            }
            let right = self.take();
            let nap = patience.nap();
            if right.is_some() || nap.is_none() {
                self.bell.store(0, SeqCst);
                return right;
            }
            if missed {
                // It was free, and somebody else got it, who does not know that anybody sleeps.
                continue;
            }
            if !futex::wait_any(&words[..count], nap.unwrap_or_default()) {
                // Nobody tells of the deaths of threads without a kernel list.
                self.open_slots().for_each(|index| self.slots[index].doze(Duration::ZERO));
            }
        }
    }

    /// Adds a permit, in a slot if one has none.
    fn add(&self) -> bool {
        let usable = spread((self.bound as usize).min(SLOTS));
        loop {
            let closed = usable & !self.open.load(SeqCst);
            if closed == 0 {
                break;
            }
            let bit = closed & closed.wrapping_neg();
            if self.open.fetch_or(bit, SeqCst) & bit == 0 {
                return true;
            }
        }
        let fewer = |missing: u32| missing.checked_sub(1);
        // Killed after this line: a bounded semaphore has one permit less from now on.
        let may =
            self.bound == UNBOUNDED || self.missing.fetch_update(SeqCst, SeqCst, fewer).is_ok();
        may && self.loose.add()
    }

    /// Makes a change that may give the head of the queue a permit, and wakes it.
    fn ring_after(&self, change: impl FnOnce()) {
        let _announced = announce(&self.bell);
        change();
        // Killed before this line: the kernel wakes the head, which looks for itself.
        if self.bell.load(SeqCst) == ASLEEP && self.bell.swap(0, SeqCst) == ASLEEP {
            futex::wake(&self.bell, 1);
        }
    }

    /// Gives back a permit of a slot that this thread has: the slot itself last.
    #[inline]
    fn leave(&self, index: usize, held: Held) {
        let slot = &self.slots[index];
        if Loose::count(slot) > 0 {
            self.ring_after(|| self.loose.give_from(&self.slots, index));
            return;
        }
        let own = OWN.get();
        OWN.set(Own { count: own.count.saturating_sub(1), ..own });
        slot.unlock(held);
    }

    /// A slot that this thread has.
    fn own_slot(&self) -> Option<(usize, Held)> {
        if OWN.get().count == 0 {
            return None;
        }
        self.open_slots().find_map(|index| Some((index, self.slots[index].held_by_me()?)))
    }

    fn is_mine(&self, index: usize) -> bool {
        self.slots[index].owner() == Some(current().tid())
    }

    fn has_permit(&self, index: usize) -> bool {
        self.open.load(SeqCst) & (1 << index) != 0
    }

    fn open_slots(&self) -> impl Iterator<Item = usize> {
        let open = self.open.load(SeqCst);
        (0..SLOTS).filter(move |index| open & (1 << index) != 0)
    }
}

/// Slots for so many permits, as far from each other as possible: holders of neighbours would write to one line of cache.
const fn spread(count: usize) -> u64 {
    let mut slots = 0;
    let mut at = 0;
    while at < count {
        slots |= 1 << (at * SLOTS / count);
        at += 1;
    }
    slots
}
