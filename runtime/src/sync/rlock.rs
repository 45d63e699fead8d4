//! `RLock`: a lock that the thread which has it may take again.
//!
//! The lock word says who has it; how often beyond the first time is a number that only the holder reads and writes, so that
//! a death in the middle of counting is a death with the lock, and the number starts anew with the next holder.
//!
//! # Safety
//! A lock word, and no data.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::deadlock::Call;
use super::error::LockError;
use super::mutex::refused;
use super::patience::Patience;
use super::raw::{Held, RawLock, Refusal};
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sys::robust::Kind;

/// Mutual exclusion between threads and processes that a thread may enter again while it is inside: for code that takes a lock and
/// then calls other code that takes it too.
///
/// It has no data, since one thread can have several guards at a time. Where there is data to protect, a
/// [`Mutex`](super::Mutex) around it is better.
///
/// # Fork and death
/// When the thread that has it ends or its process dies, by whatever cause and at whatever instruction, the lock is free at
/// once, however often it was taken. The next one gets it, and [`RLockGuard::recovered`] says that it was taken over.
///
/// # Examples
/// ```
/// use offspring::Shared;
/// use offspring::sync::RLock;
///
/// let lock = Shared::new(RLock::new())?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// drop(outer);
/// assert!(lock.is_locked());
/// drop(inner);
/// assert!(!lock.is_locked());
/// # Ok::<(), offspring::Error>(())
/// ```
#[doc(alias = "reentrant")]
#[doc(alias = "ReentrantMutex")]
#[repr(C)]
pub struct RLock {
    raw: RawLock,
}

// SAFETY: see the module; the links in `raw` mean something only to the thread that has the lock, which wrote them itself.
#[diagnostic::do_not_recommend]
unsafe impl Shareable for RLock {
    const LAYOUT: u64 = Hasher::start("RLock").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl RLock {
    /// A lock that nobody has.
    #[must_use]
    pub const fn new() -> Self {
        Self { raw: RawLock::new() }
    }

    /// Takes the lock, waiting until no other thread has it; it stays taken as long as any guard of this thread lives.
    ///
    /// # Errors
    /// [`LockError::Cycle`] when it would wait for ever, because the holder waits for a lock that this thread holds.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[track_caller]
    pub fn lock(&self) -> Result<RLockGuard<'_>, LockError> {
        match self.enter(Patience::Endless, Call::of::<Self>()) {
            Ok(held) => Ok(self.guard(held)),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Takes the lock if that is possible at once; `None` says that another thread has it.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock); none of them happens to one who does not wait.
    #[track_caller]
    pub fn try_lock(&self) -> Result<Option<RLockGuard<'_>>, LockError> {
        self.lock_with(Patience::None, Call::of::<Self>())
    }

    /// Takes the lock, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[doc(alias = "timeout")]
    #[track_caller]
    pub fn try_lock_for(&self, time: Duration) -> Result<Option<RLockGuard<'_>>, LockError> {
        self.lock_with(Patience::of(time), Call::of::<Self>())
    }

    /// Takes the lock, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    #[track_caller]
    pub fn try_lock_until(&self, end: Instant) -> Result<Option<RLockGuard<'_>>, LockError> {
        self.lock_with(Patience::Until(end), Call::of::<Self>())
    }

    /// Takes the lock without a guard: it stays taken until there was a [`release`](Self::release) for each `acquire`.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    ///
    /// # Fork and death
    /// A thread that ends without having released the lock gives it back all the same.
    #[track_caller]
    pub fn acquire(&self) -> Result<(), LockError> {
        match self.enter(Patience::Endless, Call::of::<Self>()) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Gives back what this thread [acquired](Self::acquire) once.
    ///
    /// # Errors
    /// [`LockError::NotHeld`] when this thread does not have the lock.
    pub fn release(&self) -> Result<(), LockError> {
        self.raw.held_by_me().map(|held| self.leave(held)).ok_or(LockError::NotHeld)
    }

    /// Whether some thread has the lock at this moment.
    #[doc(alias = "locked")]
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
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

    fn lock_with(
        &self,
        patience: Patience,
        call: Call,
    ) -> Result<Option<RLockGuard<'_>>, LockError> {
        match self.enter(patience, call) {
            Ok(held) => Ok(Some(self.guard(held))),
            Err(Refusal::Busy) => Ok(None),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    fn enter(&self, patience: Patience, call: Call) -> Result<Held, Refusal> {
        let depth = self.raw.depth();
        if let Some(held) = self.raw.held_by_me() {
            depth.store(depth.load(Relaxed) + 1, Relaxed);
            return Ok(held);
        }
        // A place, not a guard: there is nothing that a forked copy of a guard could reach.
        let held = self.raw.lock_called(Kind::Place, patience, call)?;
        depth.store(0, Relaxed);
        if held.recovered() {
            // There is no data that could be in doubt.
            self.raw.set_doubtful(false);
        }
        Ok(held)
    }

    fn leave(&self, held: Held) {
        let depth = self.raw.depth();
        match depth.load(Relaxed) {
            0 => self.raw.unlock(held),
            more => depth.store(more - 1, Relaxed),
        }
    }

    fn guard(&self, held: Held) -> RLockGuard<'_> {
        RLockGuard { lock: self, held, _not_send: PhantomData }
    }
}

impl Default for RLock {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows whether the lock is taken, and by whom.
impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RLock");
        match self.holder_thread() {
            None => shown.field("locked", &false),
            Some(thread) => shown
                .field("locked", &true)
                .field("holder", &self.holder())
                .field("thread", &thread),
        };
        shown.finish_non_exhaustive()
    }
}

/// An [`RLock`] in this thread's hands; when the last guard is dropped, it is given back.
#[must_use = "the lock is given back at once when its guard is not kept"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    held: Held,
    /// Only the thread that took the lock can give it back.
    _not_send: PhantomData<*const ()>,
}

impl RLockGuard<'_> {
    /// Whether this very guard took the lock over from a holder that died with it.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.held.recovered()
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        // Not in a forked copy of the guard.
        if self.lock.raw.is_held(self.held) {
            self.lock.leave(self.held);
        }
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.lock, f)
    }
}
