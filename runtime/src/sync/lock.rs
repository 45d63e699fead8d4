//! What the handle [`Lock`] says beyond its mutex: there is no data that could be in doubt, so that a dead holder's lock
//! is simply taken over, and may be given back without its guard.

use std::mem;
use std::time::{Duration, Instant};

use super::error::LockError;
use super::handles::Lock;
use super::mutex::{MutexGuard, refused};
use super::patience::Patience;
use super::raw::Refusal;

impl Lock {
    /// Takes the lock, waiting until it is free; it stays taken as long as the guard lives.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] when this thread holds the lock already; [`LockError::Cycle`] when it would wait for ever,
    /// because the holder waits for a lock that this thread holds.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<MutexGuard<'_, ()>, LockError> {
        self.shared().take(Patience::Endless).map_err(refused)
    }

    /// Takes the lock if that is possible at once; `None` says that another thread has it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock(&self) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().take(Patience::None).map(Some).or_else(unless_busy)
    }

    /// Takes the lock, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[doc(alias = "timeout")]
    #[track_caller]
    pub fn try_lock_for(&self, time: Duration) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().take(Patience::of(time)).map(Some).or_else(unless_busy)
    }

    /// Takes the lock, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_until(&self, end: Instant) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().take(Patience::Until(end)).map(Some).or_else(unless_busy)
    }

    /// Takes the lock without a guard: it stays taken until [`release`](Self::release).
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    ///
    /// # Fork and death
    /// A thread that ends without having released the lock gives it back all the same.
    #[track_caller]
    pub fn acquire(&self) -> Result<(), LockError> {
        self.lock().map(mem::forget)
    }

    /// Gives back the lock that this thread [acquired](Self::acquire).
    ///
    /// # Errors
    /// [`LockError::NotHeld`] when this thread does not have it.
    pub fn release(&self) -> Result<(), LockError> {
        self.shared().give_back()
    }
}

/// That patience came to its end is not an error.
fn unless_busy<G>(refusal: Refusal) -> Result<Option<G>, LockError> {
    match refusal {
        Refusal::Busy => Ok(None),
        refusal => Err(refused(refusal)),
    }
}
