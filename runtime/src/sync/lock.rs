//! What the handle [`Lock`] says beyond its mutex: there is no data that could be in doubt, so that a dead holder's lock
//! is simply taken over, and may be given back without its guard.

use std::mem;
use std::time::{Duration, Instant};

use super::error::LockError;
use super::handles::Lock;
use super::mutex::MutexGuard;

impl Lock {
    /// Takes the lock, waiting until it is free; it stays taken as long as the guard lives.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] when this thread holds the lock already.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<MutexGuard<'_, ()>, LockError> {
        self.shared().lock().or_else(take_over)
    }

    /// Takes the lock if that is possible at once; `None` says that another thread has it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock(&self) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().try_lock().or_else(|error| take_over(error).map(Some))
    }

    /// Takes the lock, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[doc(alias = "timeout")]
    #[track_caller]
    pub fn try_lock_for(&self, time: Duration) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().try_lock_for(time).or_else(|error| take_over(error).map(Some))
    }

    /// Takes the lock, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_until(&self, end: Instant) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.shared().try_lock_until(end).or_else(|error| take_over(error).map(Some))
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

/// Nothing can be in doubt where there is nothing.
#[cold]
fn take_over(error: LockError<MutexGuard<'_, ()>>) -> Result<MutexGuard<'_, ()>, LockError> {
    match error {
        LockError::OwnerDied(guard) => {
            guard.mark_consistent();
            Ok(guard)
        }
        error => Err(error.without_guard()),
    }
}
