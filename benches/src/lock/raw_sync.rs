//! The mutex of the raw_sync crate, a rival.
//!
//! # Safety
//! Its memory is shared, large enough, and mapped for good.
#![allow(unsafe_code, reason = "raw_sync wants raw memory")]

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use raw_sync::locks::{LockImpl, LockInit, Mutex};

use super::counting::Locking;

use crate::{Fallible, memory};

/// What it says it needs is less.
const ROOM: usize = 128;

/// A mutex, and the number that it guards.
#[derive(Debug)]
pub struct RawSync {
    lock: Wrapped,
    value: &'static AtomicU64,
}

struct Wrapped(Box<dyn LockImpl>);

// SAFETY: it is a pointer to a process-shared mutex.
unsafe impl Sync for Wrapped {}

impl std::fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mutex")
    }
}

struct Place(UnsafeCell<[u64; ROOM / 8]>);

// SAFETY: only an address to us.
unsafe impl Sync for Place {}

impl RawSync {
    /// In shared memory.
    ///
    /// # Errors
    /// When there is no memory, or too little.
    pub fn new() -> Fallible<Self> {
        let place = memory::shared(Place(UnsafeCell::new([0; ROOM / 8])))?;
        let value = memory::shared(AtomicU64::new(0))?;
        if Mutex::size_of(None) > ROOM {
            return Err("raw_sync's mutex has grown".into());
        }
        // SAFETY: see the module.
        let (lock, _) = unsafe { Mutex::new(place.0.get().cast(), value.as_ptr().cast()) }
            .map_err(|error| error.to_string())?;
        Ok(Self { lock: Wrapped(lock), value })
    }
}

impl Locking for RawSync {
    #[inline]
    fn with<R>(&self, work: impl FnOnce(&mut u64) -> R) -> R {
        let guard = self.lock.0.lock();
        let mut value = self.value.load(Relaxed);
        let result = work(&mut value);
        self.value.store(value, Relaxed);
        drop(guard);
        result
    }
}
