//! `Semaphore` and `BoundedSemaphore`: a number of permits, of which those of the dead come back.
//!
//! # Safety
//! Both are plain words; the links in their slots mean something only to the thread that holds the slot. In shared memory
//! nobody ever has one exclusively, so that none moves while a slot is held (as with `Mutex`, Invariant 2 there).

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use super::patience::Patience;
use super::permits::{Permits, Right};
use crate::memory::Shareable;
use crate::memory::layout::Hasher;

/// A number of permits that threads and processes take and give back; who finds none waits for one.
///
/// Two ways to use it: as a limit (how many may do something at a time), where each [`Permit`] is given back when it is
/// dropped; and as a signal, where one side calls [`release`](Self::release) and the other takes the permit and
/// [forgets](Permit::forget) it.
///
/// # Fork and death
/// The permits of a thread or process that ends, by whatever cause and at whatever instruction, are free again at once; one who
/// waits gets them. Nobody is told. That goes for all permits of at least 32 threads at a time, and for up to 64 permits for any
/// number of threads; what more threads have beyond 64 permits is only counted, and lost with them. One who dies while waiting
/// changes nothing for anyone.
///
/// # Examples
/// ```
/// use offspring::Shared;
/// use offspring::sync::Semaphore;
///
/// let rooms = Shared::new(Semaphore::new(2))?;
/// let first = rooms.acquire();
/// let second = rooms.acquire();
/// assert!(rooms.try_acquire().is_none());
/// drop(first);
/// assert_eq!(rooms.available(), 1);
/// # drop(second);
/// # Ok::<(), offspring::Error>(())
/// ```
#[repr(transparent)]
pub struct Semaphore {
    permits: Permits,
}

/// A [`Semaphore`] that never has more permits than at its beginning: one release too many is an error.
///
/// # Fork and death
/// As for [`Semaphore`].
///
/// # Examples
/// ```
/// use offspring::sync::BoundedSemaphore;
///
/// let rooms = BoundedSemaphore::new(2);
/// rooms.acquire().forget();
/// rooms.release()?;
/// assert!(rooms.release().is_err());
/// assert_eq!(rooms.available(), 2);
/// # Ok::<(), offspring::Error>(())
/// ```
#[repr(transparent)]
pub struct BoundedSemaphore {
    permits: Permits,
}

macro_rules! both {
    ($($name:ident)*) => {$(
        // SAFETY: plain words, see the module.
        #[diagnostic::do_not_recommend]
        unsafe impl Shareable for $name {
            const LAYOUT: u64 = Hasher::start(stringify!($name)).of::<Self>().finish();
            const LOCKS: bool = true;
        }

        impl $name {
            /// Takes a permit, waiting until there is one; it is given back when it is dropped.
            ///
            /// # Fork and death
            /// A caller that dies while it waits takes nothing with it.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("use offspring::sync::", stringify!($name), ";")]
            ///
            #[doc = concat!("let rooms = ", stringify!($name), "::new(1);")]
            /// let permit = rooms.acquire();
            /// assert_eq!(rooms.available(), 0);
            /// drop(permit);
            /// assert_eq!(rooms.available(), 1);
            /// ```
            #[inline]
            #[doc(alias = "wait")]
            pub fn acquire(&self) -> Permit<'_> {
                loop {
                    // With endless patience there is one at the end.
                    if let Some(permit) = self.acquire_with(Patience::Endless) {
                        return permit;
                    }
                }
            }

            /// Takes a permit if there is one at this moment.
            #[inline]
            pub fn try_acquire(&self) -> Option<Permit<'_>> {
                self.acquire_with(Patience::None)
            }

            /// Takes a permit, waiting at most this long; `None` says that the time ran out.
            #[doc(alias = "timeout")]
            pub fn try_acquire_for(&self, time: Duration) -> Option<Permit<'_>> {
                self.acquire_with(Patience::of(time))
            }

            /// Takes a permit, waiting until this instant at the latest; `None` says that it has come.
            pub fn try_acquire_until(&self, end: Instant) -> Option<Permit<'_>> {
                self.acquire_with(Patience::Until(end))
            }

            /// How many permits could be taken at this moment.
            #[must_use]
            #[doc(alias = "get_value")]
            pub fn available(&self) -> usize {
                self.permits.available()
            }

            #[inline]
            fn acquire_with(&self, patience: Patience) -> Option<Permit<'_>> {
                let right = self.permits.acquire(patience)?;
                Some(Permit { permits: &self.permits, right, _not_send: PhantomData })
            }
        }

        /// Shows how many permits are free, and the processes that have others.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("available", &self.available())
                    .field("holders", &self.permits.holders())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

both! { Semaphore BoundedSemaphore }

impl Semaphore {
    /// A semaphore with so many permits, all free.
    ///
    /// There can be 2³¹ − 1 at most: more count as that many.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self { permits: Permits::new(permits, false) }
    }

    /// Gives a permit: one that the calling thread has, if it has any, and a new one otherwise.
    ///
    /// So this is both Python's `release` after an `acquire` (the [`Permit`] of it gives nothing more when it is dropped, and
    /// may have been forgotten), and the signal of a thread that has none.
    ///
    /// # Fork and death
    /// A caller that dies in here has given the permit or has not; if it has, one who waits gets it.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Semaphore;
    ///
    /// let items = Semaphore::new(0);
    /// items.release();
    /// items.acquire().forget();
    /// assert_eq!(items.available(), 0);
    /// ```
    #[doc(alias = "post")]
    #[doc(alias = "signal")]
    pub fn release(&self) {
        // Refused only when there are as many as can be counted.
        let _ = self.permits.release();
    }
}

impl BoundedSemaphore {
    /// A semaphore with so many permits, all free, and never more.
    ///
    /// There can be 2³¹ − 1 at most: more count as that many.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self { permits: Permits::new(permits, true) }
    }

    /// How many permits there were at the beginning, and can be at most.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.permits.bound()
    }

    /// Gives a permit: one that the calling thread has, if it has any, and otherwise one in place of a
    /// [forgotten](Permit::forget) one.
    ///
    /// # Errors
    /// [`TooManyReleases`] when this thread has none and none was forgotten: all are free, or others have them.
    ///
    /// # Fork and death
    /// As for [`Semaphore::release`].
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::{BoundedSemaphore, TooManyReleases};
    ///
    /// let rooms = BoundedSemaphore::new(1);
    /// assert_eq!(rooms.release(), Err(TooManyReleases));
    /// ```
    pub fn release(&self) -> Result<(), TooManyReleases> {
        if self.permits.release() { Ok(()) } else { Err(TooManyReleases) }
    }
}

/// A bounded semaphore was given one permit more than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "semaphore released too many times: this thread has no permit of it, and none was forgotten"
)]
pub struct TooManyReleases;

/// A permit in this thread's hands; it is given back when it is dropped.
///
/// # Fork and death
/// When the thread or its process ends without having dropped it, the semaphore has it back at once. A copy of it in a forked
/// child is not a permit.
#[must_use = "the permit is given back at once when it is not kept"]
pub struct Permit<'a> {
    permits: &'a Permits,
    right: Right,
    /// The kernel's list is one of a thread: only the thread that took the permit can give it back.
    _not_send: PhantomData<*const ()>,
}

impl Permit<'_> {
    /// Consumes the permit: it is not given back, neither now nor when this process ends.
    ///
    /// # Fork and death
    /// A caller that dies in here has consumed the permit, or the semaphore has it back.
    pub fn forget(self) {
        let permit = ManuallyDrop::new(self);
        permit.permits.consume(permit.right);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.permits.give_back(self.right);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
