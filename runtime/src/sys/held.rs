//! Which locks each thread of this process has on its kernel list, for the other threads to read.
//!
//! A segment must stay mapped while a lock in it is on some list (`robust`, Invariant 1). Live guards see to that by
//! borrowing; forgotten ones do not, and this is how the thread that unmaps a segment learns of them. Records form a
//! list that only grows; a thread that ends leaves its record to another.
//!
//! # Safety
//! Records are made by `Box::leak` and never freed, so that a pointer to one is good for ever.

#![allow(unsafe_code, reason = "a lock-free list of leaked records")]

use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

/// How many locks one thread can hold at a time before its record loses track of which.
const SLOTS: usize = 30;

/// Which locks a thread holds, for the other threads of its process to read.
#[derive(Debug)]
pub(crate) struct Held {
    next: AtomicPtr<Held>,
    in_use: AtomicBool,
    top: AtomicUsize,
    slots: [AtomicUsize; SLOTS],
    /// How many more there are than slots.
    beyond: AtomicUsize,
}

static RECORDS: AtomicPtr<Held> = AtomicPtr::new(ptr::null_mut());

impl Held {
    fn all() -> impl Iterator<Item = &'static Self> {
        // SAFETY: records are made by `Box::leak` and never freed. Acquire pairs with the push in `take`.
        let next = |at: *mut Self| unsafe { at.as_ref() };
        std::iter::successors(next(RECORDS.load(Acquire)), move |record| {
            next(record.next.load(Relaxed))
        })
    }

    /// A record for the calling thread.
    pub(crate) fn take() -> &'static Self {
        let vacant = Self::all()
            .find(|record| record.in_use.compare_exchange(false, true, Acquire, Relaxed).is_ok());
        if let Some(record) = vacant {
            return record;
        }
        let record: &'static Self = Box::leak(Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            in_use: AtomicBool::new(true),
            top: AtomicUsize::new(0),
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            beyond: AtomicUsize::new(0),
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

    /// The lock with its links at `address` is on the list.
    // Only the owner writes, so that plain loads and stores do; readers are ordered by whatever gave them the
    // last handle of the segment that they ask about.
    #[inline]
    pub(crate) fn add(&self, address: usize) {
        let top = self.top.load(Relaxed);
        if let Some(slot) = self.slots.get(top) {
            slot.store(address, Relaxed);
            self.top.store(top + 1, Relaxed);
        } else {
            self.beyond.store(self.beyond.load(Relaxed) + 1, Relaxed);
        }
    }

    /// The lock with its links at `address` is not on the list any more.
    #[inline]
    pub(crate) fn remove(&self, address: usize) {
        let last = self.top.load(Relaxed).wrapping_sub(1);
        match self.slots.get(last) {
            Some(slot) if slot.load(Relaxed) == address => {
                slot.store(0, Relaxed);
                self.top.store(last, Relaxed);
            }
            _ => self.remove_below(address),
        }
    }

    /// Locks given back in another order than last in, first out.
    #[cold]
    fn remove_below(&self, address: usize) {
        match self.slots.iter().find(|slot| slot.load(Relaxed) == address) {
            Some(slot) => slot.store(0, Relaxed),
            None => self.beyond.store(self.beyond.load(Relaxed).saturating_sub(1), Relaxed),
        }
        let filled = self.slots.iter().rposition(|slot| slot.load(Relaxed) != 0);
        self.top.store(filled.map_or(0, |at| at + 1), Relaxed);
    }

    /// The thread ends. If it ends with a lock on its list (a forgotten guard), that lock must stay mapped until
    /// the kernel has read the list, so that the record stays as it is, for good.
    pub(crate) fn give_back(&self) {
        if self.is_empty() {
            self.in_use.store(false, Release);
        }
    }

    fn is_empty(&self) -> bool {
        self.beyond.load(Relaxed) == 0 && self.slots.iter().all(|slot| slot.load(Relaxed) == 0)
    }

    /// In a new process: its only thread holds nothing, and the others are not there.
    pub(crate) fn clear_all_but(own: Option<&'static Self>) {
        for record in Self::all() {
            record.slots.iter().for_each(|slot| slot.store(0, Relaxed));
            record.beyond.store(0, Relaxed);
            record.top.store(0, Relaxed);
            record.in_use.store(own.is_some_and(|own| ptr::eq(record, own)), Release);
        }
    }
}

/// Whether any thread of this process has a lock on its list that lies in these addresses.
pub(crate) fn any_within(start: usize, len: usize) -> bool {
    Held::all().any(|record| {
        record.beyond.load(Relaxed) != 0
            || record.slots.iter().any(|slot| slot.load(Relaxed).wrapping_sub(start) < len)
    })
}
