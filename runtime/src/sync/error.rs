//! Why a lock was not simply taken.

use std::error::Error as StdError;
use std::fmt;
use std::ops::DerefMut;

use super::cycle::Cycle;

/// Why a lock was not simply taken.
///
/// `G` is the guard that comes with [`OwnerDied`](LockError::OwnerDied), or `()` where there is none.
///
/// # Examples
/// ```
/// use offspring::sync::{LockError, Mutex};
///
/// let mutex = Mutex::new(1);
/// let guard = mutex.lock()?;
/// assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
/// # drop(guard);
/// # Ok::<(), offspring::Error>(())
/// ```
#[non_exhaustive]
pub enum LockError<G = ()> {
    /// A holder died, or panicked, before it gave the lock back, and nobody has declared the data sound since then.
    ///
    /// The guard holds the lock. Look at the data, mend it, and call
    /// [`mark_consistent`](super::MutexGuard::mark_consistent); or do all three with [`recover`](LockError::recover).
    OwnerDied(G),
    /// This thread holds the lock already, and would wait for itself for ever.
    Deadlock,
    /// This call has waited for longer than a second, and would wait for ever: who holds the lock waits for another one, whose
    /// holder waits, … for this thread.
    ///
    /// This thread still holds what it held. When it drops those guards, the others go on. See
    /// [`detect_deadlocks`](super::detect_deadlocks).
    Cycle(Cycle),
    /// This thread does not hold the lock that it would give back.
    NotHeld,
}

/// A guard that can come with a [`LockError`], and does not leave its thread with it.
#[allow(unnameable_types, reason = "only guards of ours, so that conversions can be told apart")]
pub trait Guard {}

/// A guard through which data that is in doubt can be mended.
#[allow(unnameable_types, reason = "as above")]
pub trait Mend: Guard + DerefMut {
    /// Says that the data is sound.
    fn declare_sound(&self);
}

impl<G> LockError<G> {
    /// The guard, when the lock was taken.
    pub fn into_guard(self) -> Option<G> {
        match self {
            Self::OwnerDied(guard) => Some(guard),
            _ => None,
        }
    }

    /// The same error without the guard; the lock is given back, its data still in doubt.
    #[must_use]
    pub fn without_guard(self) -> LockError {
        self.map(drop)
    }

    /// The same error with something else made of the guard.
    pub(crate) fn map<H>(self, make: impl FnOnce(G) -> H) -> LockError<H> {
        match self {
            Self::OwnerDied(guard) => LockError::OwnerDied(make(guard)),
            Self::Deadlock => LockError::Deadlock,
            Self::Cycle(cycle) => LockError::Cycle(cycle),
            Self::NotHeld => LockError::NotHeld,
        }
    }
}

impl<G: Mend> LockError<G> {
    /// Mends the data that a dead holder left, declares it sound, and goes on with the lock.
    ///
    /// # Errors
    /// Every other error as it was: there is nothing to mend.
    ///
    /// # Fork and death
    /// A caller that dies inside `mend` leaves the data in doubt, as its predecessor did.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::Mutex;
    ///
    /// let pair = Mutex::new((1, 1));
    /// let guard = pair.lock().or_else(|died| died.recover(|pair| pair.1 = pair.0))?;
    /// assert_eq!(guard.0, guard.1);
    /// # drop(guard);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn recover(self, mend: impl FnOnce(&mut G::Target)) -> Result<G, Self> {
        match self {
            Self::OwnerDied(mut guard) => {
                mend(&mut guard);
                guard.declare_sound();
                Ok(guard)
            }
            other => Err(other),
        }
    }
}

// By hand, because a guard need not be printable for the error to be.
impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnerDied(_) => f.write_str("OwnerDied(..)"),
            Self::Deadlock => f.write_str("Deadlock"),
            // The sentence: this is what `unwrap` says.
            Self::Cycle(cycle) => write!(f, "Cycle({cycle})"),
            Self::NotHeld => f.write_str("NotHeld"),
        }
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnerDied(_) => "a holder of this lock died, and its data may be half changed",
            Self::Deadlock => "this thread holds this lock already",
            Self::Cycle(cycle) => return fmt::Display::fmt(cycle, f),
            Self::NotHeld => "this thread does not hold the lock that it would give back",
        })
    }
}

// Only without a guard, which borrows the lock: a boxed error must not. With a guard, the conversions below leave
// it behind, so that `lock()?` works in functions that return `Box<dyn Error>`.
impl StdError for LockError {}

macro_rules! boxed_without_guard {
    ($($boxed:ty)*) => {$(
        impl<G: Guard> From<LockError<G>> for Box<$boxed> {
            fn from(error: LockError<G>) -> Self {
                Box::new(error.without_guard())
            }
        }
    )*};
}

boxed_without_guard! { dyn StdError dyn StdError + Send dyn StdError + Send + Sync }

impl<G> From<LockError<G>> for crate::Error {
    fn from(error: LockError<G>) -> Self {
        Self::Lock(error.without_guard())
    }
}

/// So that a task that returns `std::io::Result` can write `lock()?`.
impl<G> From<LockError<G>> for std::io::Error {
    fn from(error: LockError<G>) -> Self {
        Self::other(error.without_guard())
    }
}
