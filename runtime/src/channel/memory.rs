//! Words and bytes of a queue's levels.
//!
//! # Safety
//! Invariant 1: a level is mapped as long as the `Levels` that gave its base, and all bytes of it may be read and written by
//! every process that has it. So whatever is read here is only bytes or a number: what it means, others check. Two processes
//! that follow the gates never read and write the same bytes at a time; if one does not, the bytes are garbage, and are
//! treated as such by whoever checks them.

#![allow(unsafe_code, reason = "reads and writes memory that other processes have as well")]

use std::collections::TryReserveError;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use super::spot::Spot;

/// The word in front of a record; `base` is that of the spot's level.
#[inline(always)]
pub(crate) fn word<'a>(base: NonNull<u8>, spot: Spot) -> &'a AtomicU64 {
    // SAFETY: a spot's offset lies inside of its level, which the base is that of.
    let place = unsafe { base.add(spot.offset()) };
    // SAFETY: mapped as long as the caller's levels (Invariant 1), and aligned, since a level begins at a page and a `Spot`'s
    // offset is a multiple of 8.
    unsafe { AtomicU64::from_ptr(place.as_ptr().cast()) }
}

/// Bytes of a level that belong to one record: for one who is inside of a gate and has not moved on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: NonNull<u8>,
    len: usize,
}

impl Span {
    /// `len` bytes of a level of `size` bytes; `None` when that has not so many.
    #[inline(always)]
    pub(crate) fn new(base: NonNull<u8>, offset: usize, len: usize, size: usize) -> Option<Self> {
        if offset > size || len > size - offset {
            return None;
        }
        // SAFETY: inside of the level, or one past its end when there are no bytes.
        Some(Self { start: unsafe { base.add(offset) }, len })
    }

    /// A copy of a record, to be read as one.
    pub(crate) fn over(bytes: &[u8]) -> Self {
        Self { start: NonNull::from(bytes).cast(), len: bytes.len() }
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Where it begins.
    #[inline]
    pub(crate) fn start(self) -> NonNull<u8> {
        self.start
    }

    /// Its first `at` bytes, and the rest.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        assert!(at <= self.len);
        // SAFETY: inside of it, or one past its end.
        let rest = unsafe { self.start.add(at) };
        (Self { start: self.start, len: at }, Self { start: rest, len: self.len - at })
    }

    /// Writes all of it.
    #[inline]
    pub(crate) fn fill(self, bytes: &[u8]) {
        assert!(bytes.len() == self.len);
        // SAFETY: as many bytes as there are on both sides, which cannot overlap: nobody has a slice of shared memory here.
        unsafe { self.start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), self.len) };
    }

    /// Copies all of it to where there is room for that.
    #[inline]
    pub(crate) fn copy_to<N: Copy>(self, place: &mut [MaybeUninit<N>]) {
        assert!(size_of_val(place) >= self.len);
        // SAFETY: there is room for as many bytes, in memory of this process alone.
        unsafe { self.start.as_ptr().copy_to_nonoverlapping(place.as_mut_ptr().cast(), self.len) };
    }

    /// Appends a copy of it.
    #[inline]
    pub(crate) fn append_to(self, bytes: &mut Vec<u8>) -> Result<(), TryReserveError> {
        bytes.try_reserve(self.len)?;
        self.copy_to(bytes.spare_capacity_mut());
        // SAFETY: which have just been written.
        unsafe { bytes.set_len(bytes.len() + self.len) };
        Ok(())
    }
}
