//! What libc has for several processes, each as one value that is initialised where it lies.
//!
//! # Safety
//! Values are initialised by `shared` below before anybody sees them, are never moved after that, and never destroyed;
//! each call passes a pointer to such a value. What a mutex guards is touched only by its holder.
#![allow(unsafe_code, reason = "calls libc")]

use crate::{Fallible, memory};
use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, zeroed};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A zeroed libc value.
#[derive(Debug)]
pub struct Raw<T>(UnsafeCell<T>);

// SAFETY: these values are made to be used by several at once.
unsafe impl<T> Sync for Raw<T> {}

impl<T> Raw<T> {
    fn new() -> Self {
        // SAFETY: only used for C structs and numbers, for which zeroes are a value.
        Self(UnsafeCell::new(unsafe { zeroed() }))
    }

    pub(super) fn get(&self) -> *mut T {
        self.0.get()
    }
}

fn check(code: libc::c_int) -> Fallible<()> {
    if code == 0 { Ok(()) } else { Err(std::io::Error::from_raw_os_error(code).into()) }
}

/// A mutex, and the number that it guards.
#[derive(Debug)]
pub struct Mutex {
    raw: Raw<libc::pthread_mutex_t>,
    value: Raw<u64>,
}

impl Mutex {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn shared(robust: bool) -> Fallible<&'static Self> {
        let mutex = memory::shared(Self { raw: Raw::new(), value: Raw::new() })?;
        mutex.initialise(robust)?;
        Ok(mutex)
    }

    fn initialise(&self, robust: bool) -> Fallible<()> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: see the module.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: see the module.
        check(unsafe {
            libc::pthread_mutexattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            )
        })?;
        let robust = if robust { libc::PTHREAD_MUTEX_ROBUST } else { libc::PTHREAD_MUTEX_STALLED };
        // SAFETY: see the module.
        check(unsafe { libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), robust) })?;
        // SAFETY: see the module.
        check(unsafe { libc::pthread_mutex_init(self.raw.get(), attributes.as_ptr()) })
    }

    /// Takes the lock, calls `work` with the number, gives it back.
    #[inline]
    pub fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: see the module.
        unsafe { libc::pthread_mutex_lock(self.raw.get()) };
        // SAFETY: the holder's.
        let result = work(unsafe { &mut *self.value.get() });
        // SAFETY: see the module.
        unsafe { libc::pthread_mutex_unlock(self.raw.get()) };
        result
    }
}

/// A condition variable and its mutex.
#[derive(Debug)]
pub struct Condvar {
    mutex: Mutex,
    turn: AtomicU64,
    raw: Raw<libc::pthread_cond_t>,
}

impl Condvar {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn shared() -> Fallible<&'static Self> {
        let mutex = Mutex { raw: Raw::new(), value: Raw::new() };
        let condvar = memory::shared(Self { mutex, turn: AtomicU64::new(0), raw: Raw::new() })?;
        condvar.mutex.initialise(false)?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: see the module.
        check(unsafe { libc::pthread_condattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: see the module.
        check(unsafe {
            libc::pthread_condattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED)
        })?;
        // SAFETY: see the module.
        check(unsafe { libc::pthread_cond_init(condvar.raw.get(), attributes.as_ptr()) })?;
        Ok(condvar)
    }

    /// Waits until it is the turn of `from`, makes it that of `to`, and tells the other.
    pub fn pass(&self, from: u64, to: u64) {
        self.mutex.with(|_| {
            while self.turn.load(Relaxed) != from {
                // SAFETY: see the module; the mutex is held.
                unsafe { libc::pthread_cond_wait(self.raw.get(), self.mutex.raw.get()) };
            }
            self.turn.store(to, Relaxed);
        });
        // SAFETY: see the module.
        unsafe { libc::pthread_cond_signal(self.raw.get()) };
    }
}

/// A semaphore.
#[derive(Debug)]
pub struct Semaphore(Raw<libc::sem_t>);

impl Semaphore {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn shared(permits: u32) -> Fallible<&'static Self> {
        let semaphore = memory::shared(Self(Raw::new()))?;
        // SAFETY: see the module.
        check(unsafe { libc::sem_init(semaphore.0.get(), 1, permits) })?;
        Ok(semaphore)
    }

    /// Takes a permit.
    #[inline]
    pub fn wait(&self) {
        // SAFETY: see the module. Again after a signal.
        while unsafe { libc::sem_wait(self.0.get()) } != 0 {}
    }

    /// Gives one.
    #[inline]
    pub fn post(&self) {
        // SAFETY: see the module.
        unsafe { libc::sem_post(self.0.get()) };
    }
}

/// A barrier.
#[derive(Debug)]
pub struct Barrier(Raw<libc::pthread_barrier_t>);

impl Barrier {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn shared(parties: u32) -> Fallible<&'static Self> {
        let barrier = memory::shared(Self(Raw::new()))?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: see the module.
        check(unsafe { libc::pthread_barrierattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: see the module.
        check(unsafe {
            libc::pthread_barrierattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            )
        })?;
        // SAFETY: see the module.
        check(unsafe {
            libc::pthread_barrier_init(barrier.0.get(), attributes.as_ptr(), parties)
        })?;
        Ok(barrier)
    }

    /// Waits for the others.
    pub fn wait(&self) {
        // SAFETY: see the module.
        unsafe { libc::pthread_barrier_wait(self.0.get()) };
    }
}

/// A lock for readers and writers, and the number that it guards.
#[derive(Debug)]
pub struct RwLock {
    raw: Raw<libc::pthread_rwlock_t>,
    value: Raw<u64>,
}

impl RwLock {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn shared() -> Fallible<&'static Self> {
        let lock = memory::shared(Self { raw: Raw::new(), value: Raw::new() })?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: see the module.
        check(unsafe { libc::pthread_rwlockattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: see the module.
        check(unsafe {
            libc::pthread_rwlockattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            )
        })?;
        // SAFETY: see the module.
        check(unsafe { libc::pthread_rwlock_init(lock.raw.get(), attributes.as_ptr()) })?;
        Ok(lock)
    }

    /// The number.
    #[inline]
    pub fn read(&self) -> u64 {
        // SAFETY: see the module.
        unsafe { libc::pthread_rwlock_rdlock(self.raw.get()) };
        // SAFETY: nobody writes meanwhile.
        let value = unsafe { *self.value.get() };
        // SAFETY: see the module.
        unsafe { libc::pthread_rwlock_unlock(self.raw.get()) };
        value
    }

    /// Adds 1.
    #[inline]
    pub fn add(&self) {
        // SAFETY: see the module.
        unsafe { libc::pthread_rwlock_wrlock(self.raw.get()) };
        // SAFETY: the writer's.
        unsafe { *self.value.get() += 1 };
        // SAFETY: see the module.
        unsafe { libc::pthread_rwlock_unlock(self.raw.get()) };
    }
}
