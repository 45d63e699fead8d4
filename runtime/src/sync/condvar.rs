//! `Condvar`: waiting, without the lock, until somebody says that what it guards has changed.
//!
//! Who waits in which order, and what becomes of notifications when somebody dies, is the business of `waiters.rs`; here is what
//! has to do with mutexes. The order of things in one wait: join the waiting room, give the mutex back (so that a notification after
//! that finds a waiter), wait, take the mutex, leave the room. Killed before the last step, the waiter passes its
//! notification on.
//!
//! # Safety
//! `Condvar` holds plain words, and links that mean something only to the thread that wrote them; like every lock it is
//! never moved in shared memory (`sync::mutex`, Invariant 2).

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::time::{Duration, Instant};

use super::error::{Guard, LockError};
use super::mutex::MutexGuard;
use super::patience::Patience;
use super::waiters::Waiters;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;

/// The guard again, with or without more, or why there is none.
type Woken<G> = Result<G, LockError<G>>;

/// A condition variable between threads and processes: wait until somebody says that what a [`Mutex`](super::Mutex)
/// guards has changed.
///
/// A notification goes to exactly those who have waited longest, as many as it says: nobody who comes later takes it, nobody
/// wakes without one, and none is lost. Notifying never waits for those who are notified, and costs next to nothing when nobody waits.
/// Those who wait need not come with the same mutex; each takes its own again. All the same, `wait` belongs in a loop that
/// looks at the data, as [`wait_while`](Self::wait_while) does: between the notification and its waiter's turn at the
/// mutex, others may have changed it once more.
///
/// There are 64 seats. Who waits while all of them are taken also gets each notification that is due to it, in its turn, but
/// may return from `wait` for no reason, and only within half a second when the one who should wake it is killed.
///
/// # Fork and death
/// A waiter that is killed, wherever in `wait`, takes no notification with it: if it was notified and has not
/// returned, the oldest of the others who waited then is notified instead, at once. A notifier that is killed has
/// notified all that it was to notify, or none. Nobody waits for the dead.
///
/// # Examples
/// ```
/// use offspring::sync::{Condvar, Mutex};
///
/// #[offspring::shared]
/// struct Kitchen {
///     dishes: Mutex<u32>,
///     served: Condvar,
/// }
///
/// #[offspring::process]
/// fn eat(kitchen: &offspring::Shared<Kitchen>) -> offspring::Result<()> {
///     let mut dishes = kitchen.served.wait_while(kitchen.dishes.lock()?, |dishes| *dishes == 0)?;
///     *dishes -= 1;
///     Ok(())
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let kitchen = offspring::Shared::new(Kitchen { dishes: Mutex::new(0), served: Condvar::new() })?;
/// let guest = eat::spawn(&kitchen)?;
/// *kitchen.dishes.lock()? += 1;
/// kitchen.served.notify_one();
/// guest.join()??;
/// assert_eq!(*kitchen.dishes.lock()?, 0);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Condition")]
pub struct Condvar {
    waiters: Waiters,
}

// SAFETY: words and links, see the module.
#[diagnostic::do_not_recommend]
unsafe impl Shareable for Condvar {
    const LAYOUT: u64 = Hasher::start("Condvar").of::<Self>().finish();
    const LOCKS: bool = true;
}

/// Whether a wait ended because its time was over, rather than with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it did.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self { waiters: Waiters::new() }
    }

    /// Gives the lock back, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    /// As for [`Mutex::lock`](super::Mutex::lock), which takes the lock again: [`LockError::OwnerDied`] with the guard
    /// when a holder died meanwhile, or before. [`LockError::Deadlock`] also in a signal handler that has
    /// interrupted this thread in the middle of a call to this condition variable.
    ///
    /// # Fork and death
    /// A caller that is killed takes no notification with it.
    ///
    /// # Examples
    /// ```
    /// use offspring::sync::{Condvar, Mutex};
    ///
    /// let (ready, changed) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *ready.lock().unwrap() = true;
    ///         changed.notify_one();
    ///     });
    ///     let mut guard = ready.lock().unwrap();
    ///     while !*guard {
    ///         guard = changed.wait(guard).unwrap();
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> Woken<MutexGuard<'a, T>> {
        self.wait_with(guard, Patience::Endless).map(|(guard, _)| guard).map_err(without_time)
    }

    /// Waits as [`wait`](Self::wait) does, but for at most this long.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait); [`LockError::OwnerDied`] comes with the guard and the result.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use offspring::sync::{Condvar, Mutex};
    ///
    /// let (ready, changed) = (Mutex::new(false), Condvar::new());
    /// let (guard, result) = changed.wait_timeout(ready.lock()?, Duration::from_millis(1))?;
    /// assert!(!*guard && result.timed_out());
    /// # drop(guard);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> Woken<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_with(guard, Patience::of(time))
    }

    /// Waits as [`wait`](Self::wait) does, but until this instant at the latest.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        end: Instant,
    ) -> Woken<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_with(guard, Patience::Until(end))
    }

    /// Waits as long as the condition is true, which is looked at first and after each notification.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait); then the condition has not been looked at.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    #[doc(alias = "wait_for")]
    #[track_caller]
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Woken<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits as long as the condition is true, but for at most this long; it timed out if the condition is true still.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout); then the condition has not been looked at.
    ///
    /// # Fork and death
    /// As for [`wait`](Self::wait).
    #[doc(alias = "wait_for")]
    #[track_caller]
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Woken<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let patience = Patience::of(time);
        let mut result = WaitTimeoutResult(false);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            if result.timed_out() {
                return Ok((guard, result));
            }
            (guard, result) = self.wait_with(guard, patience)?;
        }
    }

    /// Notifies the one that has waited longest, and says how many that were: one or none.
    ///
    /// # Fork and death
    /// As for [`notify_all`](Self::notify_all).
    #[doc(alias = "notify")]
    pub fn notify_one(&self) -> usize {
        self.waiters.notify(1)
    }

    /// Notifies those that have waited longest, at most so many, and says how many that were.
    ///
    /// # Fork and death
    /// As for [`notify_all`](Self::notify_all).
    pub fn notify(&self, count: usize) -> usize {
        self.waiters.notify(count)
    }

    /// Notifies all that wait, and says how many that were.
    ///
    /// # Fork and death
    /// A caller that is killed has notified all that it was to notify, or none.
    pub fn notify_all(&self) -> usize {
        self.waiters.notify(usize::MAX)
    }

    #[track_caller]
    fn wait_with<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        patience: Patience,
    ) -> Woken<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let mutex = guard.mutex();
        let waiter = self.waiters.join().ok_or(LockError::Deadlock)?;
        drop(guard);
        let called = self.waiters.wait(waiter, patience) || self.waiters.give_up(waiter);
        let taken = mutex.lock();
        if called {
            self.waiters.finish(waiter);
        }
        let result = WaitTimeoutResult(!called);
        taken.map(|guard| (guard, result)).map_err(|error| error.map(|guard| (guard, result)))
    }
}

fn without_time<G>(error: LockError<(G, WaitTimeoutResult)>) -> LockError<G> {
    error.map(|(guard, _)| guard)
}

/// So that `wait_timeout(..)?` works in functions that return `Box<dyn Error>`.
impl<T> Guard for (MutexGuard<'_, T>, WaitTimeoutResult) {}

impl<'a, T> LockError<(MutexGuard<'a, T>, WaitTimeoutResult)> {
    /// Mends the data that a dead holder left, declares it sound, and goes on with the lock.
    ///
    /// # Errors
    /// Every other error as it was: there is nothing to mend.
    ///
    /// # Fork and death
    /// A caller that dies inside `mend` leaves the data in doubt, as its predecessor did.
    pub fn recover(
        self,
        mend: impl FnOnce(&mut T),
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), Self> {
        match self {
            Self::OwnerDied((mut guard, result)) => {
                mend(&mut guard);
                guard.mark_consistent();
                Ok((guard, result))
            }
            other => Err(other),
        }
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the processes of those who wait, one for each waiter, the oldest first.
impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiters.processes();
        f.debug_struct("Condvar").field("waiting", &waiting).finish_non_exhaustive()
    }
}
