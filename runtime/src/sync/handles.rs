//! The handles of the crate root: a type of this module in shared memory of its own, to be cloned and passed on.
//!
//! Each derefs to the type in place, and so has its methods; it adds `new`. They are what Python calls by the same
//! names. [`Lock`] says more, because it has no data that could be in doubt.

use std::fmt;
use std::mem;
use std::ops::Deref;
use std::time::{Duration, Instant};

use super::error::LockError;
use super::mutex::{Mutex, MutexGuard};
use super::semaphore;
use crate::{Result, Shared};

macro_rules! handle {
    (
        $(#[$attribute:meta])*
        $name:ident => $place:ty, new($($argument:ident: $type:ty)?) = $value:expr
    ) => {
        $(#[$attribute])*
        #[derive(Clone)]
        pub struct $name(Shared<$place>);

        impl $name {
            /// A new one, in shared memory that lives as long as the last handle to it.
            ///
            /// # Errors
            /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
            pub fn new($($argument: $type)?) -> Result<Self> {
                Shared::new($value).map(Self)
            }

            /// Whether two handles lead to the same one, also when one of them came by way of another process.
            #[must_use]
            pub fn ptr_eq(&self, other: &Self) -> bool {
                self.0.ptr_eq(&other.0)
            }

            /// The memory: what travels.
            pub(crate) fn shared(&self) -> &Shared<$place> {
                &self.0
            }
        }

        impl From<Shared<$place>> for $name {
            fn from(shared: Shared<$place>) -> Self {
                Self(shared)
            }
        }

        impl Deref for $name {
            type Target = $place;

            #[inline]
            fn deref(&self) -> &$place {
                &self.0
            }
        }

        /// Shows what it leads to.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

handle! {
    /// Mutual exclusion between processes, and a handle to pass to them: Python's `Lock`.
    ///
    /// It derefs to a [`sync::Mutex<()>`](Mutex). Where there is data to protect, a `Mutex` around it cannot be forgotten, and
    /// tells when a holder died in the middle of a change; a `Lock` is for what is not memory: a file, a device,
    /// whose turn it is to print.
    ///
    /// Unlike Python's, it belongs to the thread that took it: only that one can give it back, and taking it twice is
    /// an error, not a hang.
    ///
    /// # Fork and death
    /// The lock of a thread or process that ended is free at once, also if it was killed. There is no data to doubt, so that the
    /// next one simply gets it; [`MutexGuard::recovered`] tells.
    ///
    /// # Examples
    /// ```
    /// use offspring::{Lock, process};
    ///
    /// #[process]
    /// fn report(printer: &Lock, line: &str) {
    ///     let _turn = printer.lock().unwrap();
    ///     println!("{line}");
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let printer = Lock::new()?;
    /// let child = report::spawn(&printer, "one at a time")?;
    /// printer.acquire()?;
    /// assert!(printer.is_locked());
    /// printer.release()?;
    /// child.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "locked")]
    Lock => Mutex<()>, new() = Mutex::new(())
}

handle! {
    /// A number of permits that processes share, and a handle to pass to them: Python's `Semaphore`.
    ///
    /// It derefs to a [`sync::Semaphore`](semaphore::Semaphore). A process that is killed gives its permits back.
    ///
    /// # Fork and death
    /// As for [`sync::Semaphore`](semaphore::Semaphore).
    ///
    /// # Examples
    /// ```
    /// use offspring::{Semaphore, process};
    ///
    /// #[process]
    /// fn sing(booth: &Semaphore, who: &str) -> String {
    ///     let _microphone = booth.acquire();
    ///     format!("{who} sings")
    /// }
    ///
    /// # fn main() -> offspring::Result<()> {
    /// let booth = Semaphore::new(4)?;
    /// let singer = sing::spawn(&booth, "ann")?;
    /// assert_eq!(singer.join()?, "ann sings");
    /// assert_eq!(booth.available(), 4);
    /// # Ok(())
    /// # }
    /// ```
    Semaphore => semaphore::Semaphore, new(permits: usize) = semaphore::Semaphore::new(permits)
}

handle! {
    /// A [`Semaphore`] that refuses one release too many, and a handle to pass on: Python's `BoundedSemaphore`.
    ///
    /// It derefs to a [`sync::BoundedSemaphore`](semaphore::BoundedSemaphore).
    ///
    /// # Fork and death
    /// As for [`sync::Semaphore`](semaphore::Semaphore).
    ///
    /// # Examples
    /// ```
    /// let rooms = offspring::BoundedSemaphore::new(2)?;
    /// let room = rooms.acquire();
    /// drop(room);
    /// assert!(rooms.release().is_err());
    /// # Ok::<(), offspring::Error>(())
    /// ```
    BoundedSemaphore => semaphore::BoundedSemaphore, new(permits: usize) = semaphore::BoundedSemaphore::new(permits)
}

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
        self.0.lock().or_else(take_over)
    }

    /// Takes the lock if that is possible at once; `None` says that another thread has it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock(&self) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.0.try_lock().or_else(|error| take_over(error).map(Some))
    }

    /// Takes the lock, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[doc(alias = "timeout")]
    #[track_caller]
    pub fn try_lock_for(&self, time: Duration) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.0.try_lock_for(time).or_else(|error| take_over(error).map(Some))
    }

    /// Takes the lock, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_until(&self, end: Instant) -> Result<Option<MutexGuard<'_, ()>>, LockError> {
        self.0.try_lock_until(end).or_else(|error| take_over(error).map(Some))
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
        self.0.give_back()
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
