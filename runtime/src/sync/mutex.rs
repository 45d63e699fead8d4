//! `Mutex<T>`: one holder at a time among all threads of all processes, and word of a holder's death to the next.
//!
//! # Safety
//! Invariant 1: a [`MutexGuard`] is reachable only while its thread holds `raw`, and everything else that reaches
//! `data` has the mutex exclusively. So whoever has the guard may read and write the data. What is borrowed from a guard
//! that was leaked outlives the thread: so the lock is held until the process ends (`RawLock::used_through`,
//! `sys::robust::leave`); if nothing was borrowed, nobody can borrow it later, since guards stay on their thread. A fork while a lock is held
//! would copy the guard to where safe code of the child can reach it (a thread-local, say): this crate refuses to
//! (`sys::robust::holds_any`), and what a program forks by itself is the responsibility of the unsafe code that does.
//! Invariant 2: in shared memory, nobody ever has a `Mutex` exclusively, so that none moves while the kernel's list
//! leads to it: handles give `&T` only, and a lock inside the data of a lock is refused when the program is compiled.

#![allow(unsafe_code, reason = "references to the data behind the lock")]

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::thread;
use std::time::{Duration, Instant};

use super::deadlock::{self, Call};
use super::error::{Guard, LockError, Mend};
use super::patience::Patience;
use super::raw::{Held, RawLock, Refusal};
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sys::robust::Kind;

/// What taking a lock gives.
type LockResult<G> = Result<G, LockError<G>>;

/// Mutual exclusion between threads and processes, in place: it works wherever all sides see the same memory.
///
/// # Fork and death
/// When a process dies with the lock, by whatever cause and at whatever instruction, the lock is free at once, and the
/// next one to take it gets [`LockError::OwnerDied`] with the guard inside; so do all after it until one of them calls
/// [`MutexGuard::mark_consistent`]. A holder that panics counts as one that died. A process that dies while it waits,
/// or before or after it holds the lock, is not noticed by anyone.
///
/// A thread that ends while its process lives counts as dead, too. But if it leaked a guard by which the data was used, so that
/// a reference to it may still be in use, it leaves the lock to the process, until that dies; a sleeper then gets it within half a
/// second. (Outside shared memory, the lock of an ended thread comes to a sleeper within half a second.)
///
/// # Examples
/// ```
/// use offspring::sync::Mutex;
/// use offspring::{Shared, Result};
///
/// let total = Shared::new(Mutex::new(0_u64))?;
/// *total.lock()? += 5;
/// assert_eq!(*total.lock()?, 5);
/// # Ok::<(), offspring::Error>(())
/// ```
/// In shared memory, a lock cannot stand inside another one, whose holder could move it while it is held:
/// ```compile_fail
/// # use offspring::{Shared, sync::Mutex};
/// let nested = Shared::new(Mutex::new([Mutex::new(0), Mutex::new(0)]));
/// ```
#[repr(C)]
pub struct Mutex<T> {
    raw: RawLock,
    data: UnsafeCell<T>,
}

// SAFETY: the lock lets one thread at a time reach the data, which may be any thread (T: Send).
unsafe impl<T: Send> Sync for Mutex<T> {}

// SAFETY: plain words and a T. The links in `raw` are addresses, but mean something only to the thread that holds the
// lock, which wrote them itself.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable> Shareable for Mutex<T> {
    const LAYOUT: u64 = {
        // Every way into shared memory asks for the layout, so that none gets around this.
        assert!(
            !T::LOCKS,
            "a lock cannot stand inside another lock, whose holder could move it while it is held: \
             put the locks side by side, as fields of a `#[shared]` struct, or lock all of the data once"
        );
        Hasher::start("Mutex").of::<Self>().word(T::LAYOUT).finish()
    };
    const LOCKS: bool = true;
}

impl<T> Mutex<T> {
    /// A free mutex with this data.
    #[must_use]
    pub const fn new(data: T) -> Self {
        Self { raw: RawLock::new(), data: UnsafeCell::new(data) }
    }

    /// Takes the lock, waiting until it is free; it stays taken as long as the guard lives.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] with the guard when a holder died and nobody has declared the data sound since then;
    /// [`LockError::Deadlock`] when this thread holds the lock already; [`LockError::Cycle`] when it would wait for ever,
    /// because the holder waits for a lock that this thread holds.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    // Always: to hand the result over in memory takes longer than to take the lock.
    #[inline(always)]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.raw.lock_called(Kind::Guard, Patience::Endless, Call::of::<Self>()) {
            Ok(held) => self.guard(held),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Takes the lock if that is possible at once; `None` says that another thread has it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Option<MutexGuard<'_, T>>, LockError<MutexGuard<'_, T>>> {
        self.lock_with(Patience::None)
    }

    /// Takes the lock, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_for(
        &self,
        time: Duration,
    ) -> Result<Option<MutexGuard<'_, T>>, LockError<MutexGuard<'_, T>>> {
        self.lock_with(Patience::of(time))
    }

    /// Takes the lock, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_until(
        &self,
        end: Instant,
    ) -> Result<Option<MutexGuard<'_, T>>, LockError<MutexGuard<'_, T>>> {
        self.lock_with(Patience::Until(end))
    }

    /// Whether some thread has the lock at this moment.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// Whether the data is not in doubt: no holder died, or what one left has been declared sound.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        !self.raw.is_doubtful()
    }

    /// The process id of who has the lock at this moment, if it can be found out.
    #[must_use]
    pub fn holder(&self) -> Option<u32> {
        self.raw.holder()
    }

    /// The kernel's id of the thread that has the lock at this moment.
    #[must_use]
    pub fn holder_thread(&self) -> Option<u32> {
        self.raw.owner()
    }

    /// The data, without locking: whoever has the mutex exclusively has no rivals.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// The data, for good.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }

    #[track_caller]
    fn lock_with(
        &self,
        patience: Patience,
    ) -> Result<Option<MutexGuard<'_, T>>, LockError<MutexGuard<'_, T>>> {
        match self.raw.lock_called(Kind::Guard, patience, Call::of::<Self>()) {
            Ok(held) => self.guard(held).map(Some),
            Err(Refusal::Busy) => Ok(None),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    #[inline]
    fn guard(&self, held: Held) -> LockResult<MutexGuard<'_, T>> {
        let held = held.taken_panicking(thread::panicking());
        let guard = MutexGuard { mutex: self, held, _not_send: PhantomData };
        if self.raw.begin_use() { Err(LockError::OwnerDied(guard)) } else { Ok(guard) }
    }
}

impl Mutex<()> {
    /// Takes the lock as a right, for its handle: there is no data that a forked copy of the guard could reach, or that
    /// could be in doubt.
    #[inline(always)]
    #[track_caller]
    pub(super) fn take(&self, patience: Patience) -> Result<MutexGuard<'_, ()>, Refusal> {
        let held = self.raw.lock_called(Kind::Place, patience, Call::of::<Self>())?;
        let held = held.taken_panicking(thread::panicking());
        let guard = MutexGuard { mutex: self, held, _not_send: PhantomData };
        if self.raw.begin_use() {
            guard.mark_consistent();
        }
        Ok(guard)
    }

    /// Gives the lock back without its guard, which was forgotten: there is no data that it could still reach.
    pub(super) fn give_back(&self) -> Result<(), LockError> {
        self.raw.held_by_me().map(|held| self.raw.unlock(held)).ok_or(LockError::NotHeld)
    }
}

/// Why the lock was not taken, other than that patience came to its end.
#[cold]
pub(super) fn refused<G>(refusal: Refusal) -> LockError<G> {
    match refusal {
        Refusal::Deadlock | Refusal::Busy => LockError::Deadlock,
        Refusal::Cycle => deadlock::found().map_or(LockError::Deadlock, LockError::Cycle),
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(data: T) -> Self {
        Self::new(data)
    }
}

/// Shows the data if nobody has the lock, else who has it.
impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(Some(guard)) | Err(LockError::OwnerDied(guard)) => shown.field("data", &&*guard),
            _ => shown
                .field("locked", &true)
                .field("holder", &self.holder())
                .field("thread", &self.holder_thread()),
        };
        shown.field("consistent", &self.is_consistent()).finish_non_exhaustive()
    }
}

/// The lock in this thread's hands; it is given back when the guard is dropped.
///
/// A guard that is forgotten keeps the lock until its thread ends, and the memory mapped in its process.
#[must_use = "the lock is given back at once when its guard is not kept"]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    held: Held,
    /// The kernel's list is one of a thread: only the thread that took the lock can give it back. And only that thread
    /// may ask the guard for its data (so that it is not `Sync`, as std's is): the lock of a guard that was leaked and
    /// not used is free when its thread has ended, and nobody must use it after that. The data itself can be lent.
    _not_send: PhantomData<*const ()>,
}

impl<T> MutexGuard<'_, T> {
    /// Declares the data sound again after a holder died; the next ones get the lock without an error.
    ///
    /// # Fork and death
    /// A caller that dies before this is done leaves the data in doubt; one that dies right after it does, too,
    /// because it held the lock.
    pub fn mark_consistent(&self) {
        self.mutex.raw.set_doubtful(false);
    }

    /// Whether no holder has died since the data was last declared sound.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.mutex.is_consistent()
    }

    /// Whether this very guard took the lock over from a holder that died with it.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.held.recovered()
    }
}

impl<'a, T> MutexGuard<'a, T> {
    /// Whose guard it is: a condition variable takes it again.
    pub(crate) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T> Guard for MutexGuard<'_, T> {}

impl<T> Mend for MutexGuard<'_, T> {
    fn declare_sound(&self) {
        self.mark_consistent();
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.mutex.raw.used_through(self);
        // SAFETY: Invariant 1.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.mutex.raw.used_through(self);
        // SAFETY: Invariant 1; the guard is borrowed exclusively, and there is one.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if thread::panicking() && !self.held.was_panicking() {
            self.mutex.raw.set_doubtful(true);
        }
        self.mutex.raw.unlock(self.held);
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
