//! Who takes part in a barrier, so that it is noticed when one of them dies.
//!
//! A thread takes a slot at its first wait and keeps it between rounds: it is on the kernel's list of what the thread holds,
//! as `Kind::Member`. When the thread is killed, the kernel marks the slot, and wakes one of those who sleep on its word. A thread
//! that ends of itself gives its slots back (`sys::robust`), and so does the thread that ends its process in the proper way
//! (`robust::withdraw`). Threads that still run then count as killed.
//!
//! Invariant 1: who sleeps watches all slots that were ever taken, also those that are free, whose next holder takes the mark of
//! it along. A slot that nobody watches is taken only after all who sleep were called to look again. So nobody becomes a
//! member, and dies, unnoticed by those who sleep already.
//! Invariant 2: the slot of one who died stays as it is until the barrier is broken for it, and then until the reset: it is not
//! given to anyone else. Whoever happens to get it all the same, since its holder died in that instant, breaks the barrier.
//!
//! Outside shared memory nobody can die alone, and there are no members.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::slots::{SLOTS, Slots};
use crate::sys::futex;
use crate::sys::robust::{self, Kind};

/// The members of one barrier.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Members {
    /// Goes up when those who sleep are to look who there is.
    calls: AtomicU32,
    slots: Slots,
}

/// Words to sleep on, and what they are to hold.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    words: [(&'a AtomicU32, u32); MOST],
    len: usize,
}

/// Two of the rounds, the calls, and the slots.
const MOST: usize = 3 + SLOTS;

impl<'a> Watch<'a> {
    pub(crate) fn words(&self) -> &[(&'a AtomicU32, u32)] {
        &self.words[..self.len]
    }

    fn add(&mut self, word: &'a AtomicU32, expected: u32) {
        self.words[self.len] = (word, expected);
        self.len += 1;
    }
}

impl Members {
    pub(crate) const fn new() -> Self {
        Self { calls: AtomicU32::new(0), slots: Slots::new() }
    }

    /// Whether the calling thread's death would be noticed, as far as it can be.
    #[inline]
    pub(crate) fn have_me(&self) -> bool {
        !self.slots.can_be_listed() || self.slots.mine().is_some()
    }

    /// Makes the calling thread a member, if there is a slot left. False says that a dead member turned up in its place.
    pub(crate) fn join(&self) -> bool {
        for index in self.slots.order() {
            let slot = self.slots.get(index);
            if slot.is_locked() || slot.is_orphaned() {
                continue;
            }
            if self.slots.open(index) || !slot.is_watched() {
                self.calls.fetch_add(1, AcqRel);
                futex::wake_all(&self.calls);
            }
            if self.slots.enter_at(index, Kind::Member).is_some() {
                robust::withdraw_at_exit();
                let died = slot.begin_use();
                slot.set_doubtful(false);
                return !died;
            }
        }
        true
    }

    /// Whether somebody died as a member, and the barrier was not reset since then.
    pub(crate) fn any_dead(&self) -> bool {
        self.dead().next().is_some()
    }

    /// The slots of members that died.
    pub(crate) fn dead(&self) -> impl Iterator<Item = usize> {
        self.slots.used().filter(|(_, slot)| slot.is_orphaned()).map(|(index, _)| index)
    }

    /// Frees a slot if its holder died; says whether that was so.
    pub(crate) fn bury(&self, index: usize) -> bool {
        // By taking it: whoever dies in here is the dead one then.
        let Some(seat) = self.slots.enter_at(index, Kind::Member) else { return false };
        let slot = self.slots.get(index);
        let died = slot.begin_use();
        slot.set_doubtful(false);
        self.slots.leave(seat);
        died
    }

    /// What to sleep on so as to wake up when a member dies or a new one comes, beside these words. `None` when one has died
    /// already.
    pub(crate) fn watch<'a>(&'a self, rounds: [(&'a AtomicU32, u32); 2]) -> Option<Watch<'a>> {
        // Before the look at the slots, so that a call after that look keeps this thread awake (Invariant 1).
        let calls = self.calls.load(Acquire);
        let mut watch = Watch { words: [(&self.calls, calls); MOST], len: 0 };
        for (word, expected) in rounds {
            watch.add(word, expected);
        }
        watch.add(&self.calls, calls);
        let mine = self.slots.mine();
        for (_, slot) in self.slots.used().filter(|(index, _)| Some(*index) != mine) {
            watch.add(slot.word(), slot.watch_any()?);
        }
        Some(watch)
    }

    /// Looks for members of whose death nobody told, because the kernel could not know what they held.
    pub(crate) fn look_after(&self) {
        self.slots.used().for_each(|(_, slot)| slot.look_after());
    }
}
