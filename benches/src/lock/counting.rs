//! Lock, add 1, unlock, until the number that the lock guards has reached what was ordered: so much is done by all
//! together, and each does as much of it as it gets the lock.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use offspring::Shared;

use super::pthread;
use crate::crew::Subject;
use crate::{Fallible, memory};

/// A lock around a number.
pub trait Locking: Sync + 'static {
    /// Calls `work` with the number while nobody else can.
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R;
}

impl Locking for Shared<offspring::sync::Mutex<u64>> {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        work(&mut self.lock().expect("nobody dies here"))
    }
}

impl Locking for Mutex<u64> {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        work(&mut self.lock().expect("nobody panics here"))
    }
}

impl Locking for parking_lot::Mutex<u64> {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        work(&mut self.lock())
    }
}

impl Locking for &'static pthread::Mutex {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        pthread::Mutex::with(self, work)
    }
}

/// A semaphore used as a lock, as CPython's `Lock` is one.
#[derive(Debug)]
pub struct Binary {
    semaphore: &'static pthread::Semaphore,
    value: &'static AtomicU64,
}

impl Binary {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new() -> Fallible<Self> {
        let value = memory::shared(AtomicU64::new(0))?;
        Ok(Self { semaphore: pthread::Semaphore::shared(1)?, value })
    }
}

impl Locking for Binary {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        self.semaphore.wait();
        let mut value = self.value.load(Relaxed);
        let result = work(&mut value);
        self.value.store(value, Relaxed);
        self.semaphore.post();
        result
    }
}

/// The subject: a lock, and what was ordered so far.
#[derive(Debug)]
pub struct Counting<L> {
    lock: L,
    ordered: AtomicU64,
}

impl<L: Locking> Counting<L> {
    /// With nothing ordered yet.
    pub fn new(lock: L) -> &'static Self {
        memory::kept(Self { lock, ordered: AtomicU64::new(0) })
    }
}

impl<L: Locking> Subject for Counting<L> {
    fn order(&self, rounds: u64) -> u64 {
        self.ordered.fetch_add(rounds, Relaxed) + rounds
    }

    fn run(&self, _: usize, _: usize, order: u64) {
        let mut goes_on = true;
        while goes_on {
            goes_on = self.lock.with(|value| {
                *value += u64::from(*value < order);
                *value < order
            });
        }
    }
}
