//! A mapping of shared memory at any alignment, which unmaps itself.
//!
//! # Safety
//! A [`Mapping`] owns its range of addresses: it was made by `mmap` at an address that the kernel chose (or
//! inside a range reserved a moment before), and nothing else unmaps it. Whoever hands out references into it
//! keeps the `Mapping` alive for as long as they live.

#![allow(unsafe_code, reason = "mmap and munmap")]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags};

/// A range of this process's addresses that shows a shared object.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a `Mapping` is a range of addresses, which mean the same in every thread; it gives no access to
// what lies there.
unsafe impl Send for Mapping {}
// SAFETY: as above; all methods take it by shared reference and change nothing.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `fd` so that the byte at `phase` has an address divisible by `align`.
    ///
    /// `align` is a power of two; `phase` is a multiple of the smaller of `align` and the size of a page.
    pub(crate) fn shared(
        fd: BorrowedFd<'_>,
        len: usize,
        align: usize,
        phase: usize,
    ) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let len = len.checked_next_multiple_of(page).ok_or(io::ErrorKind::OutOfMemory)?;
        if align <= page {
            return Self::place(fd, None, len, 0);
        }
        // More is reserved than is needed, so that the right place is somewhere in it.
        let spare = align.checked_add(len).ok_or(io::ErrorKind::OutOfMemory)?;
        let reserved = Self::reserve(spare)?;
        let first = reserved.start.addr().get() + phase;
        let skip = first.next_multiple_of(align) - first;
        // SAFETY: skip < align, so that skip + len <= spare: inside the range just reserved.
        let start = unsafe { reserved.start.add(skip) };
        let mapping = Self::place(fd, Some(start), len, 0)?;
        reserved.give_back_around(&mapping);
        Ok(mapping)
    }

    /// Maps `len` bytes of `fd` from `offset` on, both whole numbers of pages.
    pub(crate) fn part(fd: BorrowedFd<'_>, offset: u64, len: usize) -> io::Result<Self> {
        Self::place(fd, None, len, offset)
    }

    /// The first address.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How many bytes, a whole number of pages.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn reserve(len: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: no address is asked for, so that no mapping of others is replaced.
        let start =
            unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, ProtFlags::empty(), flags) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }

    fn place(
        fd: BorrowedFd<'_>,
        at: Option<NonNull<u8>>,
        len: usize,
        offset: u64,
    ) -> io::Result<Self> {
        let fixed = if at.is_some() { MapFlags::FIXED } else { MapFlags::empty() };
        let at = at.map_or(ptr::null_mut(), |start| start.as_ptr().cast());
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: either no address is asked for, or [at, at + len) lies in a range that the caller reserved
        // and that nobody uses.
        let start =
            unsafe { rustix::mm::mmap(at, len, protection, MapFlags::SHARED | fixed, fd, offset) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }

    /// Unmaps what of this reservation lies before and after `kept`, which owns its part from now on.
    fn give_back_around(self, kept: &Self) {
        let (from, to) = (self.start.addr().get(), self.start.addr().get() + self.len);
        let (kept_from, kept_to) = (kept.start.addr().get(), kept.start.addr().get() + kept.len);
        let before = Self { start: self.start, len: kept_from - from };
        // SAFETY: `kept` lies inside this reservation, so that its end is at most one past the end of it.
        let end = unsafe { kept.start.add(kept.len) };
        let after = Self { start: end, len: to - kept_to };
        std::mem::forget(self);
        drop((before, after));
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        // SAFETY: the range is ours alone (see the module), and whoever used it is done, or would keep `self`.
        // A failure (a kernel out of memory for splitting a mapping) leaves it mapped, which harms nobody.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
