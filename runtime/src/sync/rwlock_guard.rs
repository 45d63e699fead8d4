//! The two guards of `RwLock`: what a thread has in its hands while it reads, or while it writes.
//!
//! # Safety
//! Each guard exists while its thread has the lock in that way (`sync::rwlock`, Invariant 1). What is borrowed from
//! one that was leaked outlives the thread: its use is noted, and the lock is then held until the process ends
//! (`sys::robust::leave`).

#![allow(unsafe_code, reason = "references to the data behind the lock")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::thread;

use super::error::{Guard, Mend};
use super::raw_rwlock::{Reading, Writing};
use super::rwlock::RwLock;

/// The lock in this thread's hands, to read; it is given back when the guard is dropped.
#[must_use = "the lock is given back at once when its guard is not kept"]
pub struct RwLockReadGuard<'a, T> {
    lock: &'a RwLock<T>,
    reading: Reading,
    /// The kernel's list is one of a thread: only the thread that took the lock can give it back, and only it may ask
    /// the guard for its data (see `MutexGuard`).
    _not_send: PhantomData<*const ()>,
}

impl<'a, T> RwLockReadGuard<'a, T> {
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, reading: Reading) -> Self {
        Self { lock, reading, _not_send: PhantomData }
    }

    /// Whether no writer has died since the data was last declared sound.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        !self.reading.doubtful
    }
}

impl<T> Guard for RwLockReadGuard<'_, T> {}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.lock.raw.read_through(self.reading, self);
        // SAFETY: this thread has the lock to read, and nobody has it to write.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.raw.leave(self.reading);
    }
}

/// The lock in this thread's hands, to write; it is given back when the guard is dropped.
#[must_use = "the lock is given back at once when its guard is not kept"]
pub struct RwLockWriteGuard<'a, T> {
    lock: &'a RwLock<T>,
    writing: Writing,
    was_panicking: bool,
    /// As in [`RwLockReadGuard`].
    _not_send: PhantomData<*const ()>,
}

impl<'a, T> RwLockWriteGuard<'a, T> {
    pub(super) fn new(lock: &'a RwLock<T>, writing: Writing) -> Self {
        Self { lock, writing, was_panicking: thread::panicking(), _not_send: PhantomData }
    }

    /// Declares the data sound again after a writer died; the next ones get the lock without an error.
    ///
    /// # Fork and death
    /// A caller that dies before this is done leaves the data in doubt; one that dies right after it does, too,
    /// because it held the lock.
    pub fn mark_consistent(&self) {
        self.lock.raw.set_sound();
    }

    /// Whether no writer has died since the data was last declared sound.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.lock.is_consistent()
    }

    /// Whether this very lock call took over from a writer that died.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.writing.recovered
    }
}

impl<T> Guard for RwLockWriteGuard<'_, T> {}

impl<T> Mend for RwLockWriteGuard<'_, T> {
    fn declare_sound(&self) {
        self.mark_consistent();
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.lock.raw.written_through(self);
        // SAFETY: this thread has the lock to write, and nobody else has it at all.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.raw.written_through(self);
        // SAFETY: as above; the guard is borrowed exclusively, and there is one.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.raw.end_write(self.writing, self.was_panicking || !thread::panicking());
    }
}

macro_rules! shown_as_their_data {
    ($($guard:ident)*) => {$(
        impl<T: fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

shown_as_their_data! { RwLockReadGuard RwLockWriteGuard }
