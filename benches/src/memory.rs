//! Values in memory that the children of a fork share with their parent.
//!
//! # Safety
//! Mappings made here are never unmapped, and large enough for their value; the values are of plain data.
#![allow(unsafe_code, reason = "puts rivals' locks into shared memory")]

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

use crate::Fallible;

/// `value`, in memory that processes forked from now on share.
///
/// # Errors
/// When there is no memory.
pub fn shared<T: Sync>(value: T) -> Fallible<&'static T> {
    let len = size_of::<T>().max(1).try_into()?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping, wherever the kernel likes.
    let place = unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_SHARED) }?.cast::<T>();
    // SAFETY: as large as a T, and a page is as aligned as any.
    unsafe { place.write(value) };
    // SAFETY: just written, and mapped for good.
    Ok(unsafe { place.as_ref() })
}

/// `value`, for good.
pub fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
