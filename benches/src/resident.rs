//! Memory that is really there, in pages of a known size.
//!
//! # Safety
//! One private anonymous mapping, made here, written through one slice made of exactly that mapping,
//! and never unmapped.
#![allow(unsafe_code, reason = "pages of a chosen size are asked for by address")]

use std::num::NonZeroUsize;

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};

use crate::Fallible;

/// Less than any page, so that no page is left out.
const STRIDE: usize = 4096;

/// What the memory is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// 4 KiB each, whatever the machine's default.
    Ordinary,
    /// Huge ones, as far as the system has them.
    Huge,
}

/// Takes and touches `bytes` of memory, and keeps them until the process ends.
///
/// # Errors
/// When the system has not so much to give, or no huge pages at all.
pub fn hold(bytes: usize, pages: Pages) -> Fallible<()> {
    let length = NonZeroUsize::new(bytes).ok_or("no memory to hold")?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new private mapping where the kernel likes touches no memory in use.
    let start = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }?;
    let advice = match pages {
        Pages::Ordinary => MmapAdvise::MADV_NOHUGEPAGE,
        Pages::Huge => MmapAdvise::MADV_HUGEPAGE,
    };
    // SAFETY: the range is the mapping made above, and this advice changes no content.
    unsafe { madvise(start, bytes, advice) }?;
    // SAFETY: `bytes` zeroed bytes, readable and writable, that nobody else knows of.
    let memory = unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), bytes) };
    for byte in memory.iter_mut().step_by(STRIDE) {
        *byte = 1;
    }
    std::hint::black_box(memory);
    Ok(())
}
