//! The memory of a queue's items: rings of growing size behind one another in one object, of which only what is needed is real.
//!
//! ```text
//! 0            64 KiB        128 KiB       256 KiB            512 KiB
//! | control …  | level 0     | level 1     | level 2          | …  level 18: 16 GiB
//! ```
//! A queue lives in one level, and moves to a larger one when that is full: the records of the two are linked, so that order is kept.
//! When it has been drained, it goes back to level 0, and the memory of large levels to the system. The object is that long from
//! the beginning and sealed, but has pages only where they were reserved; a process maps a level when it first comes there.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use rustix::io::Errno;

use super::fault::{Action, Fault, Where};
use crate::memory::room;
use crate::sys::map::Mapping;
use crate::sys::{memfd, prefetch};

/// How many a [`Spot`](super::spot::Spot) can name.
pub(crate) const LEVELS: usize = 32;
/// How many there are.
pub(crate) const REAL: usize = 19;
/// Bytes of level 0; the control block in front of it has as many.
pub(crate) const FIRST: usize = 64 << 10;
/// What is kept of a queue that was drained: levels up to this size.
pub(crate) const KEPT: usize = 4 << 20;
/// Waiting items take at most a level of this size, and smaller ones before it; only one that needs more, and is alone, gets more.
pub(crate) const MOST: usize = 1 << 30;
/// Memory is reserved in pieces of about this size.
pub(crate) const PIECE: usize = 256 << 10;

/// Bytes of a level.
#[inline]
pub(crate) const fn size(level: usize) -> usize {
    FIRST << level
}

/// Bytes of the object behind the control block.
pub(crate) const fn room() -> u64 {
    size(REAL) as u64
}

/// The levels as one process has them mapped.
#[derive(Debug)]
pub(crate) struct Levels {
    descriptor: Arc<OwnedFd>,
    /// Where each begins; null before this process first comes there. To be had in one look.
    bases: [AtomicPtr<u8>; LEVELS],
    mapped: [OnceLock<Mapping>; REAL],
}

impl Levels {
    pub(crate) fn new(descriptor: Arc<OwnedFd>) -> Self {
        Self {
            descriptor,
            bases: [const { AtomicPtr::new(ptr::null_mut()) }; LEVELS],
            mapped: [const { OnceLock::new() }; REAL],
        }
    }

    /// The first byte of a level, as long as `self` lives.
    #[inline(always)]
    pub(crate) fn base(&self, level: usize) -> Result<NonNull<u8>, Fault> {
        match NonNull::new(self.bases[level].load(Relaxed)) {
            Some(base) => Ok(base),
            None => self.map(level),
        }
    }

    /// Has a byte of a level come near, to be written soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self, level: usize, offset: usize) {
        if let Some(base) = NonNull::new(self.bases[level].load(Relaxed)) {
            let address = base.as_ptr().wrapping_add(offset);
            NonNull::new(address).into_iter().for_each(prefetch::for_writing);
        }
    }

    #[cold]
    fn map(&self, level: usize) -> Result<NonNull<u8>, Fault> {
        let place = self.mapped.get(level).ok_or(Fault::Garbled(Where::Beginning))?;
        // A level begins as far into the object as it is large.
        let mapping = Mapping::part(self.descriptor.as_fd(), size(level) as u64, size(level))
            .map_err(failed(Action::Map))?;
        // Another thread may have been quicker: then this mapping goes again.
        let base = place.get_or_init(|| mapping).start();
        self.bases[level].store(base.as_ptr(), Relaxed);
        Ok(base)
    }

    /// Makes sure that there is memory for these bytes of a level.
    pub(crate) fn reserve(&self, level: usize, from: usize, len: usize) -> Result<(), Fault> {
        if !room::is_enough(len as u64) {
            return Err(Fault::System(Action::Reserve, Errno::NOMEM));
        }
        let at = (size(level) + from) as u64;
        memfd::reserve(&*self.descriptor, at, len as u64).map_err(failed(Action::Reserve))
    }

    /// Whether there is as much memory as an item of this length has, in whatever level: looking for it where none is would take
    /// some.
    #[inline(always)]
    pub(crate) fn can_hold(&self, len: usize) -> bool {
        len <= FIRST || self.has(len)
    }

    #[cold]
    pub(crate) fn has(&self, len: usize) -> bool {
        memfd::extent(self.descriptor.as_fd()).is_ok_and(|extent| extent.reserved >= len as u64)
    }

    /// Gives the memory of a level back to the system.
    pub(crate) fn give_back(&self, level: usize) {
        // If that fails, it stays reserved for the next use.
        let _ = memfd::give_back(&*self.descriptor, size(level) as u64, size(level) as u64);
    }

    /// Gives back what large levels other than this one may have, when that is the only one in use.
    pub(crate) fn give_back_unused(&self, used: usize) {
        let others = (0..REAL).filter(|level| size(*level) > KEPT && *level != used);
        others.for_each(|level| self.give_back(level));
    }
}

fn failed(action: Action) -> impl FnOnce(io::Error) -> Fault {
    move |error| Fault::System(action, Errno::from_io_error(&error).unwrap_or(Errno::NOMEM))
}
