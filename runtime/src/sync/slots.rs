//! A place for each of many holders at once: a lock word a holder, so that the kernel knows of each one's death.
//!
//! One word can name one owner only. What several may have at a time (a read lock, a permit, a place in a barrier) has a
//! row of words instead. To take a slot is to take its lock, and that is the whole act: nothing is counted elsewhere that a
//! kill between two lines could falsify. When a holder dies, the kernel marks its slot and wakes who sleeps on it.
//!
//! Each thread begins to look at a slot of its own, so that threads seldom meet on one, and no word is everybody's.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, SeqCst};

use super::patience::Patience;
use super::raw::{Held, RawLock};
use crate::sys::robust::{Kind, current};

/// How many can have a slot at a time.
pub(crate) const SLOTS: usize = 64;

/// A row of lock words.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slots {
    /// A bit for each slot that was ever taken: the others need not be looked at. Set before the slot is taken, and
    /// never cleared.
    used: AtomicU64,
    slots: [RawLock; SLOTS],
}

/// A slot in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) index: usize,
    pub(crate) held: Held,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self { used: AtomicU64::new(0), slots: [const { RawLock::new() }; SLOTS] }
    }

    /// Takes a free slot, or one whose holder died; `None` when there is none among the first `count`.
    #[inline]
    pub(crate) fn enter(&self, kind: Kind, count: usize) -> Option<Seat> {
        let first = favourite(count);
        self.enter_at(first, kind).or_else(|| self.enter_after(first, kind, count))
    }

    #[cold]
    fn enter_after(&self, first: usize, kind: Kind, count: usize) -> Option<Seat> {
        (first + 1..count).chain(0..first).find_map(|index| self.enter_at(index, kind))
    }

    /// Takes this slot if it is free, or if its holder died.
    #[inline]
    pub(crate) fn enter_at(&self, index: usize, kind: Kind) -> Option<Seat> {
        let slot = self.slots.get(index)?;
        if slot.is_locked() {
            return None;
        }
        self.open(index);
        let held = slot.lock_as(kind, Patience::None).ok()?;
        Some(Seat { index, held })
    }

    /// Has everybody look at this slot from now on; true says that nobody did before.
    #[inline]
    pub(crate) fn open(&self, index: usize) -> bool {
        let bit = 1 << index;
        // Acquire, and SeqCst to set it: who sees no bit after having announced itself is seen by whoever takes the
        // slot after this.
        self.used.load(Acquire) & bit == 0 && self.used.fetch_or(bit, SeqCst) & bit == 0
    }

    /// All slots, in the order in which the calling thread looks for a free one.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> {
        let first = favourite(SLOTS);
        (first..SLOTS).chain(0..first)
    }

    /// The slot that the calling thread has, if it has one.
    #[inline]
    pub(crate) fn mine(&self) -> Option<usize> {
        let me = Some(current().tid());
        let first = favourite(SLOTS);
        if self.slots[first].owner() == me {
            return Some(first);
        }
        self.used().find_map(|(index, slot)| (slot.owner() == me).then_some(index))
    }

    /// Whether the kernel hears of what becomes of the holders of slots: they lie in shared memory.
    #[inline]
    pub(crate) fn can_be_listed(&self) -> bool {
        self.slots[0].is_in_segment()
    }

    /// Gives a slot back.
    #[inline]
    pub(crate) fn leave(&self, seat: Seat) {
        self.slots[seat.index].unlock(seat.held);
    }

    /// The slots that were ever taken, with their numbers.
    pub(crate) fn used(&self) -> impl Iterator<Item = (usize, &RawLock)> {
        let mut left = self.used.load(SeqCst);
        std::iter::from_fn(move || {
            let index = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            self.slots.get(index).map(|slot| (index, slot))
        })
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> &RawLock {
        &self.slots[index]
    }
}

/// Where the calling thread begins to look among so many slots.
#[inline]
fn favourite(count: usize) -> usize {
    // Neighbouring threads (their ids follow each other) five slots apart: on cache lines of their own.
    (current().tid() as usize).wrapping_mul(5) % count.max(1)
}
