//! What a heap keeps of itself, at the beginning of its memory.
//!
//! # Safety
//! Plain words and lock words.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::sync::atomic::AtomicU64;

use super::buddy::MOST;
use super::ledger::Ledger;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sync::raw::RawLock;

/// Words of the heap's own log: enough for a split or a merge through all orders, and for [`REFS_MAX`] references.
pub(super) const LOG: usize = 1200;
/// The most collections that one value can have in it.
pub(crate) const REFS_MAX: usize = 64;

/// See the module.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Control {
    /// Guards all below but `reaper`. Its `table` is the order of all that is there, its `count` the bytes in use.
    pub(crate) ledger: Ledger<LOG>,
    /// The first free block of each order.
    pub(crate) free: [AtomicU64; MOST as usize + 1],
    /// The first of the objects that no collection has in it any more; they go when no process has a handle, either.
    pub(crate) orphans: AtomicU64,
    /// Whoever frees them.
    pub(crate) reaper: RawLock,
}

// SAFETY: see the module.
unsafe impl Shareable for Control {
    const LAYOUT: u64 = Hasher::start("Heap").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl Control {
    pub(crate) const fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            free: [const { AtomicU64::new(0) }; MOST as usize + 1],
            orphans: AtomicU64::new(0),
            reaper: RawLock::new(),
        }
    }
}
