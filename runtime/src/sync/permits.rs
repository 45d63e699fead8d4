//! Permits that know their holders: what both semaphores are made of.
//!
//! ```text
//! open   a bit for each slot that has a permit        bell  asleep or not: the head of the queue sleeps here
//! slots  64 lock words: free, or the holder's tid     turn  whose turn it is to watch: the head of the queue
//! loose  the number of free permits beyond 64         seats 32 more lock words, which are no permits
//! ```
//! To take a permit is to take the lock word of an open slot, and that is the whole act: the kernel gives the permits of the
//! dead back by itself, since a word whose owner died is free. A thread that has a slot takes further permits from `loose` first, and
//! has them in its slot's account (`sync::loose`), which the next one to take the slot gives back if the thread died. One who
//! finds all slots taken by others takes a seat, for the account only. Only when all those are taken, too, a loose permit is
//! taken that nobody remembers.
//!
//! Invariant 1: a bit of `open` is cleared only by the holder of its slot, and set by the one who adds a permit. Who takes a
//! slot looks at its bit again: if the permit has been consumed in the meantime, the slot is given back and was never a permit.
//!
//! Kill points of adding a permit: before the change nothing has happened; between the change and the wake-up, the kernel
//! wakes the head instead, since `bell` was announced. Of consuming one: until the bit is cleared the permit comes back
//! when the kernel frees the slot; after that the slot is free and has no permit.

use std::cell::Cell;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::loose::{Loose, MOST};
use super::patience::Patience;
use super::raw::{Held, RawLock};
use crate::sys::futex;
use crate::sys::robust::{Kind, announce, current};

/// How many permits can have a holder that is known.
pub(super) const SLOTS: usize = 64;
/// How many more threads can have permits that they are known to have.
pub(super) const SEATS: usize = 32;
/// The bound of a semaphore that has none.
const UNBOUNDED: u32 = u32::MAX;
/// In `bell`: the head of the queue is asleep, or about to be. In the high bits, as `announce` wants it.
pub(super) const ASLEEP: u32 = 1 << 31;

/// The permits of one semaphore.
// On a line of cache of its own, so that taking a permit of one semaphore does not disturb those of its neighbours.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Permits {
    open: AtomicU64,
    loose: Loose,
    pub(super) bell: AtomicU32,
    /// Of a bounded semaphore: how many loose permits were consumed and may be added again.
    missing: AtomicU32,
    /// The slots that may have a permit.
    usable: u64,
    /// How many permits there may be at most, or `UNBOUNDED`.
    bound: u32,
    /// A bit for each seat that was ever taken: set before it is taken, and never cleared.
    seated: AtomicU32,
    pub(super) turn: RawLock,
    /// Slots, then seats.
    pub(super) slots: [RawLock; SLOTS + SEATS],
}

/// A permit in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right {
    /// One of those of a slot or seat: of all that its holder has, any stands for any other.
    Slot(usize, Held),
    /// One that is only counted, taken by the thread of this id.
    Loose(u32),
}

thread_local! {
    // No destructor and a constant start: possible at any time in a thread's life.
    // The slot or seat that this thread took last, of whatever semaphore: where it looks first.
    static LAST: Cell<usize> = const { Cell::new(0) };
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
            usable: spread(if bounded { in_slots } else { SLOTS }),
            bound: if bounded { permits as u32 } else { UNBOUNDED },
            seated: AtomicU32::new(0),
            turn: RawLock::new(),
            slots: [const { RawLock::new() }; SLOTS + SEATS],
        }
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound as usize
    }

    /// Takes a permit, waiting as long as `patience` says.
    #[inline]
    pub(crate) fn acquire(&self, patience: Patience) -> Option<Right> {
        let index = LAST.get() % SLOTS;
        if self.loose.free() == 0
            && let Some(held) = self.take_slot(index)
        {
            if !held.recovered() && self.has_permit(index) {
                return Some(Right::Slot(index, held));
            }
            return self.acquire_after(index, held, patience);
        }
        self.acquire_elsewhere(patience)
    }

    /// Gives a permit back, if this thread still has it.
    #[inline]
    pub(crate) fn give_back(&self, right: Right) {
        match right {
            Right::Slot(index, held) if Loose::count(&self.slots[index]) == 0 => {
                self.slots[index].unlock(held);
            }
            right => self.give_back_loose(right),
        }
    }

    #[cold]
    fn give_back_loose(&self, right: Right) {
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
                    self.rise(index, held);
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
        let is_free = |index: &usize| !self.slots[*index].is_locked();
        let in_slots = self.open_slots().filter(is_free).count() as u64;
        // Of the dead.
        let left = self.open_slots().chain(self.seats()).filter(is_free);
        let left = left.map(|index| self.loose.left_in(&self.slots, index)).sum::<u64>();
        let free = in_slots + left + self.loose.free();
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    /// The processes of those who have permits.
    pub(crate) fn holders(&self) -> Vec<u32> {
        let all = self.open_slots().chain(self.seats());
        let mut holders: Vec<u32> = all.filter_map(|index| self.slots[index].holder()).collect();
        holders.sort_unstable();
        holders.dedup();
        holders
    }

    #[cold]
    fn acquire_elsewhere(&self, patience: Patience) -> Option<Right> {
        match self.take() {
            None if !matches!(patience, Patience::None) => self.wait(patience),
            taken => taken,
        }
    }

    /// `acquire`, where the slot taken may be that of a dead one, or have no permit any more.
    #[cold]
    fn acquire_after(&self, index: usize, held: Held, patience: Patience) -> Option<Right> {
        self.keep(index, held).or_else(|| self.acquire_elsewhere(patience))
    }

    /// What a slot gives that was just taken.
    fn keep(&self, index: usize, held: Held) -> Option<Right> {
        if held.recovered() {
            // Killed in here: the next one does it again.
            self.ring_after(|| self.loose.inherit(&self.slots, index));
        }
        if self.has_permit(index) {
            LAST.set(index);
            return Some(Right::Slot(index, held));
        }
        // Consumed by the one who had it (Invariant 1).
        self.slots[index].unlock(held);
        None
    }

    /// Takes this slot if it is free and may have a permit: the caller has to look at its bit again.
    #[inline]
    fn take_slot(&self, index: usize) -> Option<Held> {
        if !self.has_permit(index) || self.slots[index].is_locked() {
            return None;
        }
        self.slots[index].lock_as(Kind::Place, Patience::None).ok()
    }

    /// Takes a permit if there is one.
    pub(super) fn take(&self) -> Option<Right> {
        // Who has a slot leaves the others to those who have none.
        if self.loose.free() > 0
            && let Some(own) = self.own(LAST.get())
            && let Some(right) = self.take_more(own)
        {
            return Some(right);
        }
        let last = LAST.get() % SLOTS;
        loop {
            let mut left = self.open.load(SeqCst).rotate_right(last as u32);
            let mut lost = false;
            while left != 0 {
                let index = (left.trailing_zeros() as usize + last) % SLOTS;
                left &= left - 1;
                let Some(held) = self.take_slot(index) else { continue };
                let right = self.keep(index, held);
                if right.is_some() {
                    return right;
                }
                lost = true;
            }
            // Another permit may have come that was not seen because of what was taken by mistake.
            if !lost {
                return self.take_loose();
            }
        }
    }

    /// Takes a loose permit into a slot or seat that this thread has.
    fn take_more(&self, own: (usize, Held)) -> Option<Right> {
        let (index, held) = own;
        self.loose.take_for(&self.slots, index).then_some(Right::Slot(index, held))
    }

    /// Takes a loose permit, with a seat for its account, in want of a slot.
    #[cold]
    fn take_loose(&self) -> Option<Right> {
        for index in self.seats().filter(|index| self.slots[*index].is_orphaned()) {
            if let Ok(held) = self.slots[index].lock_as(Kind::Place, Patience::None) {
                self.ring_after(|| self.loose.inherit(&self.slots, index));
                self.slots[index].unlock(held);
            }
        }
        if self.loose.free() == 0 {
            return None;
        }
        let own = self.own_slot().and_then(|own| self.take_more(own));
        if let Some(right) = own.or_else(|| self.take_seat()) {
            return Some(right);
        }
        self.loose.take().then(|| Right::Loose(current().tid()))
    }

    fn take_seat(&self) -> Option<Right> {
        for index in (SLOTS..SLOTS + SEATS).filter(|index| !self.slots[*index].is_locked()) {
            self.seated.fetch_or(1 << (index - SLOTS), SeqCst);
            let Ok(held) = self.slots[index].lock_as(Kind::Place, Patience::None) else { continue };
            let mut taken = false;
            // The head of the queue may be asleep without watching this seat.
            self.ring_after(|| {
                self.loose.inherit(&self.slots, index);
                taken = self.loose.take_for(&self.slots, index);
            });
            if taken {
                LAST.set(index);
                return Some(Right::Slot(index, held));
            }
            self.slots[index].unlock(held);
            return None;
        }
        None
    }

    /// Leaves a seat whose account is empty.
    fn rise(&self, index: usize, held: Held) {
        if index >= SLOTS && Loose::count(&self.slots[index]) == 0 {
            self.slots[index].unlock(held);
        }
    }

    /// Adds a permit, in a slot if one has none.
    fn add(&self) -> bool {
        loop {
            let closed = self.usable & !self.open.load(SeqCst);
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
    fn leave(&self, index: usize, held: Held) {
        let slot = &self.slots[index];
        if Loose::count(slot) > 0 {
            self.ring_after(|| self.loose.give_from(&self.slots, index));
            self.rise(index, held);
        } else {
            slot.unlock(held);
        }
    }

    /// A slot or seat that this thread has.
    fn own_slot(&self) -> Option<(usize, Held)> {
        let all = || self.open_slots().chain(self.seats());
        self.own(LAST.get()).or_else(|| all().find_map(|index| self.own(index)))
    }

    /// This slot or seat, if this thread has it.
    fn own(&self, index: usize) -> Option<(usize, Held)> {
        let held = self.slots.get(index)?.held_by_me()?;
        Some((index, held))
    }

    fn is_mine(&self, index: usize) -> bool {
        self.slots[index].owner() == Some(current().tid())
    }

    #[inline]
    fn has_permit(&self, index: usize) -> bool {
        (self.open.load(SeqCst) >> index) & 1 != 0
    }

    pub(super) fn open_slots(&self) -> impl Iterator<Item = usize> {
        bits(self.open.load(SeqCst))
    }

    /// The seats that may be taken.
    pub(super) fn seats(&self) -> impl Iterator<Item = usize> {
        bits(self.seated.load(SeqCst).into()).map(|seat| SLOTS + seat)
    }
}

/// Which bits are set.
fn bits(mut left: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (index < 64).then_some(index)
    })
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
