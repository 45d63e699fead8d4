//! A hint to the processor that a line of cache is about to be written.
//!
//! # Safety
//! The instructions touch no memory that could be seen: for an address that is not mapped they do nothing.

#![allow(unsafe_code, reason = "there is no stable function for it")]

use std::arch::asm;
use std::ptr::NonNull;

/// Has the line with this address come from whoever has it, to be written here.
#[inline(always)]
pub(crate) fn for_writing(address: NonNull<u8>) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: see the module.
    unsafe {
        asm!("prefetchw [{}]", in(reg) address.as_ptr(), options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: see the module.
    unsafe {
        asm!("prfm pstl1keep, [{}]", in(reg) address.as_ptr(), options(nostack, preserves_flags, readonly));
    }
}
