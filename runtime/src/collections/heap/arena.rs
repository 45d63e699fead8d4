//! The memory that a collection lives in: one sealed object, very long and almost all of it a hole, mapped as a whole.
//!
//! ```text
//! 0        64                16 KiB                                       8 GiB
//! | header | Control         | blocks …                    (not there yet)     |
//! ```
//! Nothing ever moves: a place in it has one address in a process for as long as that has a handle, and growing is
//! nothing but reserving what had no memory yet. What is large and free has its memory given back, and stays an address.
//!
//! # Safety
//! Invariant 1: `base` points at [`LEN`] mapped bytes for the life of the `Arena`. Whatever lies in them is reached as atomic words, for
//! which every bit pattern is valid, or copied out; nothing that is read there is believed: where a word says something is, is
//! compared with the bounds first. What has no memory reads as zeroes.
//! A reader that has been overtaken may look at what was given back meanwhile, and thereby have the kernel put an empty page there.

#![allow(unsafe_code, reason = "turns places of a mapping into references to its words")]

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rustix::io::Errno;

use super::block::{Block, Ref, UNIT};
use super::buddy::MOST;
use super::control::Control;
use super::holders::Holders;
use crate::collections::fault::Fault;
use crate::memory::{regions, room};
use crate::sys::map::Mapping;
use crate::sys::memfd;
use crate::{Error, Result, Shared};

/// Where the blocks begin.
pub(crate) const BEGIN: usize = 16 << 10;
/// Bytes of the object, and so the most that a collection can have.
pub(crate) const LEN: usize = BEGIN + (1 << MOST);

const _: () = assert!(64 + size_of::<Control>() <= BEGIN);

/// See the module.
#[derive(Debug)]
pub(crate) struct Arena {
    head: Shared<Control>,
    mapping: ManuallyDrop<Mapping>,
    base: NonNull<u8>,
    /// How far the heap came when somebody here looked.
    known: AtomicU64,
    pub(crate) holders: Holders,
}

// SAFETY: addresses mean the same in every thread, and what lies there is reached by atomic words only.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// A new one, whose first block, of so many bytes, is there.
    pub(crate) fn new(root: usize) -> Result<Arc<Self>> {
        let head = Shared::with_room(Control::new(), (LEN - size_of::<Control>() - 64) as u64)?;
        let arena = Self::over(head)?;
        arena.begin(root)?;
        Ok(Arc::new(arena))
    }

    /// The one behind a descriptor that came from somewhere.
    pub(crate) fn attach(fd: OwnedFd) -> Result<Arc<Self>> {
        let head = Shared::<Control>::from_descriptor(fd)?;
        let extent = memfd::extent(head.descriptor().as_fd());
        let len = extent.map_err(Error::system("look at a collection's memory"))?.len;
        if len < LEN as u64 {
            let reason = format!("it has {len} bytes");
            return Err(Error::Layout { expected: "a collection", reason });
        }
        Ok(Arc::new(Self::over(head)?))
    }

    fn over(head: Shared<Control>) -> Result<Self> {
        let mapping = Mapping::part(head.descriptor().as_fd(), 0, LEN)
            .map_err(Error::system("map a collection's memory"))?;
        regions::enter(&mapping);
        let base = mapping.start();
        let holders = Holders::new(Arc::clone(head.descriptor()));
        let mapping = ManuallyDrop::new(mapping);
        Ok(Self { head, mapping, base, known: AtomicU64::new(0), holders })
    }

    /// What to hand to another process.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.head.descriptor()
    }

    /// The control block, where the locks of this process see it.
    #[inline(always)]
    pub(crate) fn control(&self) -> &Control {
        // SAFETY: 64 is inside of the mapping (Invariant 1).
        let place = unsafe { self.base.add(64) };
        // SAFETY: a `Control` lies there, aligned to 64, and consists of atomic words.
        unsafe { place.cast().as_ref() }
    }

    /// The beginning of a block, if that many bytes from there on are inside of the heap.
    #[inline(always)]
    pub(crate) fn at(&self, place: Ref, len: usize) -> Option<NonNull<u8>> {
        let start = place.0 as usize * UNIT;
        if !self.reaches(start.checked_add(len)?) {
            return None;
        }
        // SAFETY: just compared; the heap comes no further than the mapping (Invariant 1).
        Some(unsafe { self.base.add(BEGIN + start) })
    }

    /// Whether the heap comes as far as this. (It only ever grows.)
    ///
    /// A length that was overwritten may be anything up to that of the arena, and whoever followed it would be led through a hole, each page of
    /// which the kernel would fill for him.
    #[inline(always)]
    fn reaches(&self, end: usize) -> bool {
        end as u64 <= self.known.load(Relaxed) || self.reaches_now(end)
    }

    #[cold]
    fn reaches_now(&self, end: usize) -> bool {
        let extent = self.extent();
        self.known.fetch_max(extent, Relaxed);
        end as u64 <= extent
    }

    /// Bytes of all blocks.
    pub(crate) fn extent(&self) -> u64 {
        1 << self.control().ledger.table.load(Relaxed).min(MOST.into())
    }

    /// What a block begins with.
    #[inline(always)]
    pub(crate) fn block(&self, place: Ref) -> Result<&Block, Fault> {
        let at = self.at(place, UNIT).ok_or(Fault::Overwritten)?;
        // SAFETY: two atomic words, inside and aligned to the size of a unit.
        Ok(unsafe { at.cast().as_ref() })
    }

    /// Words by their number from the beginning of the object, if they are inside.
    pub(crate) fn words(&self, first: u64, count: usize) -> Option<&[AtomicU64]> {
        let first = usize::try_from(first).ok()?;
        let end = first.checked_add(count)?;
        if end > LEN / 8 {
            return None;
        }
        // SAFETY: just compared (Invariant 1).
        let place = unsafe { self.base.add(first * 8) };
        // SAFETY: as above; atomic words, aligned, with any contents.
        Some(unsafe { std::slice::from_raw_parts(place.cast().as_ptr(), count) })
    }

    /// The words that have any of these bytes of the arena.
    #[inline(always)]
    pub(crate) fn words_around(&self, address: usize, len: usize) -> Option<&[AtomicU64]> {
        let from = address.checked_sub(self.base.addr().get())?;
        let first = from / 8;
        self.words(first as u64, (from + len).div_ceil(8) - first)
    }

    /// The number of the first of these words, which lie in the arena.
    #[inline(always)]
    pub(crate) fn index_of(&self, words: &[AtomicU64]) -> u64 {
        (words.as_ptr().addr().wrapping_sub(self.base.addr().get()) / 8) as u64
    }

    /// Makes sure that there is memory for these bytes of a block.
    pub(crate) fn reserve(&self, place: Ref, len: usize) -> Result<(), Fault> {
        if !room::is_enough(len as u64) {
            return Err(Fault::System(Errno::NOMEM));
        }
        let at = (BEGIN + place.0 as usize * UNIT) as u64;
        let failed = |error| Fault::System(Errno::from_io_error(&error).unwrap_or(Errno::NOMEM));
        memfd::reserve(&**self.descriptor(), at, len as u64).map_err(failed)
    }

    /// Gives the memory of these bytes of a block back to the system.
    pub(crate) fn give_back(&self, place: Ref, from: usize, len: usize) {
        let at = (BEGIN + place.0 as usize * UNIT + from) as u64;
        // If that fails, it stays reserved for the next use.
        let _ = memfd::give_back(&**self.descriptor(), at, len as u64);
    }

    /// How many bytes have memory, as the kernel counts them.
    pub(crate) fn reserved(&self) -> u64 {
        memfd::extent(self.descriptor().as_fd()).map_or(0, |extent| extent.reserved)
    }

    /// Whether two lead to the same memory, also when one of them came by way of another process.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.head.ptr_eq(&other.head)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: taken once, here; all that points into it borrows from `self`, or is a lock that keeps it mapped.
        regions::leave(unsafe { ManuallyDrop::take(&mut self.mapping) });
    }
}

/// A word as what it says: a block, or none.
#[inline(always)]
pub(crate) fn named(word: &AtomicU64) -> Option<Ref> {
    Ref::from_word(word.load(Relaxed))
}
