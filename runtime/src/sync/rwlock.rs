//! `RwLock<T>`: many readers or one writer among all threads of all processes, and word of a writer's death to the
//! next.
//!
//! # Safety
//! As for `sync::mutex`. Invariant 1: a [`RwLockWriteGuard`] is reachable only while its thread has the lock to
//! write, a [`RwLockReadGuard`] only while its thread has it to read (`sync::raw_rwlock` keeps the two apart), and
//! everything else that reaches `data` has the lock exclusively. Invariant 2: nobody has one exclusively in shared
//! memory.

#![allow(unsafe_code, reason = "promises about the data behind the lock")]

use std::cell::UnsafeCell;
use std::fmt;
use std::time::{Duration, Instant};

use super::deadlock::Call;
use super::error::LockError;
use super::mutex::refused;
use super::patience::Patience;
use super::raw::{RawLock, Refusal};
use super::raw_rwlock::{RawRwLock, Reading, Writing};
use super::rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
use crate::memory::layout::Hasher;
use crate::memory::{Shareable, owner};

type ReadResult<'a, T> = Result<RwLockReadGuard<'a, T>, LockError<RwLockReadGuard<'a, T>>>;
type WriteResult<'a, T> = Result<RwLockWriteGuard<'a, T>, LockError<RwLockWriteGuard<'a, T>>>;
type TryReadResult<'a, T> =
    Result<Option<RwLockReadGuard<'a, T>>, LockError<RwLockReadGuard<'a, T>>>;
type TryWriteResult<'a, T> =
    Result<Option<RwLockWriteGuard<'a, T>>, LockError<RwLockWriteGuard<'a, T>>>;

/// Many may read at a time, or one may write: threads and processes, in place, wherever all sides see the same
/// memory.
///
/// A writer that waits lets no new readers in, so that it gets its turn; a thread that reads already may read again
/// all the same. Readers in different processes write no common memory and do not slow each other down. Up to 64
/// threads can read at a time; the next one waits until one of them is done.
///
/// # Fork and death
/// When a process dies with the lock, by whatever cause and at whatever instruction, its lock is free at once. Only
/// the death of one who could write leaves doubt: from then on, those who get the lock, to read or to write, get
/// [`LockError::OwnerDied`] with the guard inside, until a writer calls [`RwLockWriteGuard::mark_consistent`]. A
/// writer that panics counts as one that died. The death of a reader, or of one who waited to read or to write, is
/// not noticed by anyone.
///
/// A thread that ends in a living process without having dropped its guard counts as dead, too, unless the guard was
/// leaked elsewhere than on its stack and has been used, so that the data may still be in use: such a lock is left to
/// the process.
///
/// # Examples
/// ```
/// use offspring::sync::RwLock;
/// use offspring::{Result, Shared};
///
/// let prices = Shared::new(RwLock::new([3, 5, 8]))?;
/// prices.write()?[1] = 6;
/// let (one, other) = (prices.read()?, prices.read()?);
/// assert_eq!(one[1] + other[2], 14);
/// # drop((one, other));
/// # Ok::<(), offspring::Error>(())
/// ```
/// In shared memory, a lock cannot stand inside another one, whose holder could move it while it is held:
/// ```compile_fail
/// # use offspring::{Shared, sync::{Mutex, RwLock}};
/// let nested = Shared::new(RwLock::new(Mutex::new(0)));
/// ```
#[repr(C)]
pub struct RwLock<T> {
    pub(super) raw: RawRwLock,
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: the lock lets one thread at a time reach the data to change it, which may be any thread (T: Send), or
// several to read it (T: Sync).
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}

// SAFETY: plain words and a T. The links in `raw` are addresses, but mean something only to the thread that holds the
// lock, which wrote them itself.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable> Shareable for RwLock<T> {
    const LAYOUT: u64 = {
        // Every way into shared memory asks for the layout, so that none gets around this.
        assert!(
            !T::LOCKS,
            "a lock cannot stand inside another lock, whose holder could move it while it is held: \
             put the locks side by side, as fields of a `#[shared]` struct, or lock all of the data once"
        );
        Hasher::start("RwLock").of::<Self>().word(T::LAYOUT).finish()
    };
    const LOCKS: bool = true;
}

impl<T> RwLock<T> {
    /// A free lock with this data.
    #[must_use]
    pub const fn new(data: T) -> Self {
        Self { raw: RawRwLock::new(), data: UnsafeCell::new(data) }
    }

    /// Takes the lock to read, waiting until nobody writes or waits to; others may read meanwhile.
    ///
    /// # Errors
    /// [`LockError::OwnerDied`] with the guard when a writer died and nobody has declared the data sound since then;
    /// [`LockError::Deadlock`] when this thread has the lock to write; [`LockError::Cycle`] when it would wait for
    /// ever.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> ReadResult<'_, T> {
        match self.raw.read(Patience::Endless, Call::of::<Self>()) {
            Ok(reading) => self.read_guard(reading),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Takes the lock to write, waiting until nobody else has it.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and [`LockError::Deadlock`] also when this thread has the lock to read.
    ///
    /// # Fork and death
    /// A caller that dies while it waits changes nothing for anyone.
    #[track_caller]
    pub fn write(&self) -> WriteResult<'_, T> {
        match self.raw.write(Patience::Endless, Call::of::<Self>()) {
            Ok(writing) => self.write_guard(writing),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Takes the lock to read if that is possible at once; `None` says that somebody writes, or waits to.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn try_read(&self) -> TryReadResult<'_, T> {
        self.read_with(Patience::None)
    }

    /// Takes the lock to read, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    #[track_caller]
    pub fn try_read_for(&self, time: Duration) -> TryReadResult<'_, T> {
        self.read_with(Patience::of(time))
    }

    /// Takes the lock to read, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    #[track_caller]
    pub fn try_read_until(&self, end: Instant) -> TryReadResult<'_, T> {
        self.read_with(Patience::Until(end))
    }

    /// Takes the lock to write if that is possible at once; `None` says that somebody else has it.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn try_write(&self) -> TryWriteResult<'_, T> {
        self.write_with(Patience::None)
    }

    /// Takes the lock to write, waiting at most this long; `None` says that the time ran out.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    #[track_caller]
    pub fn try_write_for(&self, time: Duration) -> TryWriteResult<'_, T> {
        self.write_with(Patience::of(time))
    }

    /// Takes the lock to write, waiting until this instant at the latest; `None` says that it has come.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    #[track_caller]
    pub fn try_write_until(&self, end: Instant) -> TryWriteResult<'_, T> {
        self.write_with(Patience::Until(end))
    }

    /// Whether some thread has the lock at this moment, to read or to write.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.is_locked_exclusive() || self.readers() > 0
    }

    /// Whether some thread has the lock at this moment to write.
    #[must_use]
    pub fn is_locked_exclusive(&self) -> bool {
        self.raw.writing().is_some()
    }

    /// How many read locks there are at this moment.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.raw.count_readers()
    }

    /// Whether the data is not in doubt: no writer died, or what one left has been declared sound.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        !self.raw.is_doubtful()
    }

    /// The process id of who writes at this moment, if it can be found out.
    #[must_use]
    pub fn holder(&self) -> Option<u32> {
        self.holder_thread().and_then(owner::process_of)
    }

    /// The thread id of who writes at this moment, as the kernel counts threads.
    #[must_use]
    pub fn holder_thread(&self) -> Option<u32> {
        self.raw.writing().and_then(RawLock::owner)
    }

    /// The data, without locking: whoever has the lock exclusively has no rivals.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// The data, for good.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }

    #[track_caller]
    fn read_with(&self, patience: Patience) -> TryReadResult<'_, T> {
        match self.raw.read(patience, Call::of::<Self>()) {
            Ok(reading) => self.read_guard(reading).map(Some),
            Err(Refusal::Busy) => Ok(None),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    #[track_caller]
    fn write_with(&self, patience: Patience) -> TryWriteResult<'_, T> {
        match self.raw.write(patience, Call::of::<Self>()) {
            Ok(writing) => self.write_guard(writing).map(Some),
            Err(Refusal::Busy) => Ok(None),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    #[inline]
    fn read_guard(&self, reading: Reading) -> ReadResult<'_, T> {
        let guard = RwLockReadGuard::new(self, reading);
        if reading.doubtful { Err(LockError::OwnerDied(guard)) } else { Ok(guard) }
    }

    fn write_guard(&self, writing: Writing) -> WriteResult<'_, T> {
        let guard = RwLockWriteGuard::new(self, writing);
        if writing.doubtful { Err(LockError::OwnerDied(guard)) } else { Ok(guard) }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(data: T) -> Self {
        Self::new(data)
    }
}

/// Shows the data and the number of others who read it if nobody writes, else who does.
impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readers = self.readers();
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(Some(guard)) | Err(LockError::OwnerDied(guard)) => shown.field("data", &&*guard),
            _ => shown
                .field("locked", &true)
                .field("holder", &self.holder())
                .field("thread", &self.holder_thread()),
        };
        shown.field("readers", &readers).field("consistent", &self.is_consistent());
        shown.finish_non_exhaustive()
    }
}
