//! Those who wait in a `Condvar` when all its seats are taken: a classical condition variable, for want of better.
//!
//! They have numbers as everybody else, but no word of their own, so that nobody can be woken alone, and the kernel
//! tells nobody of their deaths. All are woken at each notification that may concern one of them, and look at their numbers.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::seats::ALL;
use crate::sys::futex;
use crate::sys::robust::{self, Announcement};

/// What one call adds to `calls`: the kernel's part of a lock word stays 0, as announcements want it. (It turns round
/// after four: who falls asleep in spite of that many calls is late by a nap, and misses nothing.)
const CALL: u32 = 0x4000_0000;

/// Those without a seat.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// Changes with each call.
    calls: AtomicU32,
    /// Not 0: somebody may be here. Changed by whoever has the turn.
    present: AtomicU32,
}

impl Crowd {
    pub(crate) const fn new() -> Self {
        Self { calls: AtomicU32::new(0), present: AtomicU32::new(0) }
    }

    pub(crate) fn join(&self) {
        self.present.store(1, SeqCst);
    }

    /// There is nobody left.
    pub(crate) fn dissolve(&self) {
        self.present.store(0, SeqCst);
    }

    pub(crate) fn is_present(&self) -> bool {
        self.present.load(SeqCst) != 0
    }

    /// Has the kernel wake one of them, if this thread dies before it has woken all.
    pub(crate) fn announce(&self) -> Announcement<'_> {
        robust::announce(&self.calls)
    }

    /// Wakes all, and says how many slept.
    pub(crate) fn call(&self) -> usize {
        self.calls.fetch_add(CALL, SeqCst);
        futex::wake(&self.calls, ALL)
    }

    /// Sleeps until the next call after `is_called` was asked, and at most so long.
    pub(crate) fn sleep(&self, is_called: impl FnOnce() -> bool, nap: Duration) {
        let calls = self.calls.load(SeqCst);
        if !is_called() {
            futex::wait(&self.calls, calls, nap);
        }
    }
}
