//! Which locks each thread of this process has on its kernel list, for the other threads to read.
//!
//! A segment must stay mapped while a lock in it is on some list (`robust`, Invariant 1). Live guards see to that by
//! borrowing; forgotten ones do not, and this is how the thread that unmaps a segment learns of them. Records form a
//! list that only grows; a thread that ends leaves its record to another. If it ends with a lock, its record stays as
//! it is: lock and segment belong to the process then, until that ends. A thread that ended without libc's knowledge
//! has a record until the kernel has read its list, which it has when the thread is gone.
//!
//! Most threads hold one lock at a time, and often the same one again. Such a lock is noted as the `latest`, and not struck out
//! when it is given back: whoever reads it looks whether the lock is really held. So noting it costs one store, or none.
//! Invariant: a lock that its thread holds is the `latest`, or in a slot, and not both; `latest` changes only when
//! the thread holds nothing else.
//!
//! # Safety
//! Records and their blocks are made by `Box::leak` and never freed, so that a pointer to one is good for ever.

#![allow(unsafe_code, reason = "lock-free lists of leaked records")]

use std::iter;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};

use super::robust;

/// How many locks one block has room for; more than a thread usually holds.
const SLOTS: usize = 30;
/// No thread has this record.
const NOBODY: u32 = 0;
/// Its thread is gone, and it is about to be nobody's.
const BEING_CLEARED: u32 = u32::MAX;
/// Its thread has ended, and left what it held to the process.
const LEFT: u32 = u32::MAX - 1;

/// What a lock stands for, which decides what becomes of it at a fork and at its thread's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody may be using what it guards: no fork while it is held.
    Guard = 0,
    /// A right without memory behind it: a permit, a place in a queue.
    Place = 1,
    /// Having a part in something, which ends without harm when the thread does.
    Member = 2,
}

/// The bits of an address that a lock's links never have, and that hold its kind here.
const KIND: usize = 7;

impl Kind {
    fn of(entry: usize) -> Self {
        match entry & KIND {
            1 => Self::Place,
            2 => Self::Member,
            _ => Self::Guard,
        }
    }
}

/// Which locks a thread holds, for the other threads of its process to read.
#[derive(Debug)]
pub(crate) struct Held {
    next: AtomicPtr<Held>,
    /// The thread whose record this is, or `NOBODY`.
    thread: AtomicU32,
    /// The lock that was the only one when it was taken, and its kind; it may have been given back.
    latest: AtomicUsize,
    /// In the first block, all slots from here on are free.
    top: AtomicUsize,
    first: Block,
}

/// Addresses of the links of held locks, and their kinds; 0 where there is none.
#[derive(Debug)]
struct Block {
    slots: [AtomicUsize; SLOTS],
    /// For the locks that find no room here.
    more: AtomicPtr<Block>,
}

static RECORDS: AtomicPtr<Held> = AtomicPtr::new(ptr::null_mut());

/// Follows a list of what was leaked.
fn follow<T: 'static>(
    first: Option<&'static T>,
    next: fn(&T) -> &AtomicPtr<T>,
) -> impl Iterator<Item = &'static T> {
    iter::successors(first, move |at| leaked(next(at)))
}

/// What a pointer of such a list leads to.
fn leaked<T: 'static>(link: &AtomicPtr<T>) -> Option<&'static T> {
    // SAFETY: null, or to what was leaked (see the module). Acquire pairs with the Release that put it there.
    unsafe { link.load(Acquire).as_ref() }
}

impl Block {
    const fn new() -> Self {
        Self {
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            more: AtomicPtr::new(ptr::null_mut()),
        }
    }
}

impl Held {
    fn all() -> impl Iterator<Item = &'static Self> {
        follow(leaked(&RECORDS), |record| &record.next)
    }

    /// A record for the calling thread, whose kernel id is `tid`.
    pub(crate) fn take(tid: u32) -> &'static Self {
        let claim = |it: &&Self| it.thread.compare_exchange(NOBODY, tid, Acquire, Relaxed).is_ok();
        if let Some(record) = Self::all().find(claim) {
            return record;
        }
        let record: &'static Self = Box::leak(Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            thread: AtomicU32::new(tid),
            latest: AtomicUsize::new(0),
            top: AtomicUsize::new(0),
            first: Block::new(),
        }));
        let mut first = RECORDS.load(Relaxed);
        loop {
            record.next.store(first, Relaxed);
            let new = ptr::from_ref(record).cast_mut();
            // Release: whoever finds the record finds it filled in.
            match RECORDS.compare_exchange_weak(first, new, Release, Relaxed) {
                Ok(_) => return record,
                Err(now) => first = now,
            }
        }
    }

    /// The lock with its links at `address` is on the list, and nothing else.
    // Only the owner writes, so that plain loads and stores do; readers are ordered by whatever gave them the
    // last handle of the segment that they ask about.
    #[inline]
    pub(crate) fn add_only(&'static self, address: usize, kind: Kind) {
        let entry = address | kind as usize;
        if self.latest.load(Relaxed) != entry {
            self.latest.store(entry, Relaxed);
        }
    }

    /// The lock with its links at `address` is on the list, with others.
    pub(crate) fn add_another(&'static self, address: usize, kind: Kind) {
        let entry = address | kind as usize;
        let top = self.top.load(Relaxed);
        if self.latest.load(Relaxed) & !KIND == address {
            self.latest.store(entry, Relaxed);
        } else if let Some(slot) = self.first.slots.get(top) {
            slot.store(entry, Relaxed);
            self.top.store(top + 1, Relaxed);
        } else {
            self.add_anywhere(entry);
        }
    }

    /// The lock with its links at `address` is not on the list any more.
    #[inline]
    pub(crate) fn remove(&'static self, address: usize) {
        if self.latest.load(Relaxed) & !KIND != address {
            self.remove_from_slot(address);
        }
    }

    #[inline(never)]
    fn remove_from_slot(&'static self, address: usize) {
        let last = self.top.load(Relaxed).wrapping_sub(1);
        match self.first.slots.get(last) {
            Some(slot) if slot.load(Relaxed) & !KIND == address => {
                slot.store(0, Relaxed);
                self.top.store(last, Relaxed);
            }
            _ => self.remove_anywhere(address),
        }
    }

    /// For the thread itself, which knows whether it holds the lock with its links at an address: from now on its slots
    /// say all.
    pub(crate) fn settle(&'static self, is_held: impl FnOnce(usize) -> bool) {
        let latest = self.latest.load(Relaxed);
        if latest != 0 && is_held(latest & !KIND) {
            self.add_anywhere(latest);
            self.find_top();
        }
        self.latest.store(0, Relaxed);
    }

    fn blocks(&'static self) -> impl Iterator<Item = &'static Block> {
        follow(Some(&self.first), |block| &block.more)
    }

    fn slots(&'static self) -> impl Iterator<Item = &'static AtomicUsize> {
        self.blocks().flat_map(|block| &block.slots)
    }

    /// More locks than a block has room for.
    #[cold]
    fn add_anywhere(&'static self, entry: usize) {
        if let Some(free) = self.slots().find(|slot| slot.load(Relaxed) == 0) {
            free.store(entry, Relaxed);
            return;
        }
        let new = Block::new();
        new.slots[0].store(entry, Relaxed);
        let last = self.blocks().last().unwrap_or(&self.first);
        // Release: whoever finds the block finds it filled in.
        last.more.store(Box::leak(Box::new(new)), Release);
    }

    /// Locks given back in another order than last in, first out.
    #[cold]
    fn remove_anywhere(&'static self, address: usize) {
        if let Some(slot) = self.slots().find(|slot| slot.load(Relaxed) & !KIND == address) {
            slot.store(0, Relaxed);
        }
        self.find_top();
    }

    fn find_top(&'static self) {
        let filled = self.first.slots.iter().rposition(|slot| slot.load(Relaxed) != 0);
        self.top.store(filled.map_or(0, |at| at + 1), Relaxed);
    }

    /// The addresses of the links of all that the thread holds, when that is settled, and what each stands for.
    pub(crate) fn entries(&'static self) -> impl Iterator<Item = (usize, Kind)> {
        let entries = self.slots().map(|slot| slot.load(Relaxed)).filter(|entry| *entry != 0);
        entries.map(|entry| (entry & !KIND, Kind::of(entry)))
    }

    /// The thread ends; what it still holds, it has left to the process.
    pub(crate) fn leave(&'static self) {
        self.thread.store(if self.is_empty() { NOBODY } else { LEFT }, Release);
    }

    /// Whether the thread has no lock on its list.
    fn is_empty(&'static self) -> bool {
        self.entries().next().is_none()
    }

    /// Whether the thread has a lock whose guard a copy of the process would have as well.
    pub(crate) fn has_guard(&'static self) -> bool {
        self.entries().any(|(_, kind)| kind == Kind::Guard)
    }

    fn clear(&'static self) {
        self.latest.store(0, Relaxed);
        self.slots().for_each(|slot| slot.store(0, Relaxed));
        self.top.store(0, Relaxed);
    }

    /// In a new process: its only thread, `tid`, holds nothing, and the others are not there.
    pub(crate) fn clear_all_but(own: Option<&'static Self>, tid: u32) {
        for record in Self::all() {
            record.clear();
            let is_own = own.is_some_and(|own| ptr::eq(record, own));
            record.thread.store(if is_own { tid } else { NOBODY }, Release);
        }
    }

    /// Whether a thread that is still there, or may be, holds a lock that lies in these addresses, or left it behind.
    /// They are mapped.
    fn has_within(&'static self, start: usize, len: usize) -> bool {
        let is_within = |entry: usize| (entry & !KIND).wrapping_sub(start) < len;
        let thread = self.thread.load(Acquire);
        let latest = self.latest.load(Relaxed);
        let latest = is_within(latest) && robust::owner_of(latest & !KIND, start) == Some(thread);
        if !latest && !self.slots().any(|slot| is_within(slot.load(Relaxed))) {
            return false;
        }
        if matches!(thread, NOBODY | LEFT) || robust::exists_here(thread) {
            return true;
        }
        // The kernel had read the list before the thread's id was free.
        let mine = self.thread.compare_exchange(thread, BEING_CLEARED, Acquire, Relaxed).is_ok();
        if mine {
            self.clear();
            self.leave();
        }
        !mine
    }
}

/// Whether a thread of this process has ended and left a lock to it.
pub(crate) fn any_left() -> bool {
    Held::all().any(|record| record.thread.load(Acquire) == LEFT)
}

/// Whether any thread of this process, ended or not, holds a lock that lies in these addresses.
pub(crate) fn any_within(start: usize, len: usize) -> bool {
    Held::all().any(|record| record.has_within(start, len))
}
