//! A word that leads to a collection's items: which block, how large, and since when.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::arena::Arena;
use super::block::Ref;
use super::ledger::{Inside, Ledger};
use crate::collections::fault::Fault;

/// See the module. No block: nothing was put in yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) block: Option<Ref>,
    /// For a list the order of its block, for a dict the logarithm of how many slots there are.
    pub(crate) log: u32,
    /// For a dict: which of its lives this belongs to. 24 bits.
    pub(crate) life: u32,
}

/// The bits of [`Table::life`].
pub(crate) const LIFE: u32 = (1 << 24) - 1;

impl Table {
    #[inline(always)]
    pub(crate) fn of(word: u64) -> Self {
        let block = Ref::from_word(word & u64::from(u32::MAX));
        Self { block, log: (word >> 32) as u32 & 0x3f, life: (word >> 40) as u32 }
    }

    #[inline(always)]
    pub(crate) fn load(word: &AtomicU64) -> Self {
        Self::of(word.load(Acquire))
    }

    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        self.block.map_or(0, Ref::word) | u64::from(self.log) << 32 | u64::from(self.life) << 40
    }
}

/// Frees what nothing leads to any more: after a change, or in the place of one who was killed after it. True: something
/// that was referred to may be an orphan now.
pub(crate) fn tidy<const LOG: usize>(
    arena: &Arena,
    ledger: &Ledger<LOG>,
    _: &Inside<'_, LOG>,
) -> Result<bool, Fault> {
    let mut orphaned = false;
    if ledger.spare.load(Relaxed) != 0 {
        orphaned |= arena.free(&ledger.spare)?;
    }
    if ledger.deep.load(Relaxed) != 0 {
        orphaned |= free_deep(arena, &ledger.deep)?;
    }
    Ok(orphaned)
}

/// Frees the blocks that a block's words name, one by one, and then itself.
pub(crate) fn free_deep(arena: &Arena, from: &AtomicU64) -> Result<bool, Fault> {
    let Some(place) = super::arena::named(from) else { return Ok(false) };
    let (len, _) = arena.block(place)?.lens();
    let mut orphaned = false;
    for word in arena.payload(place, len)? {
        orphaned |= free_named(arena, word)?;
    }
    Ok(arena.free(from)? | orphaned)
}

/// Frees the block that the lower half of a word names.
pub(crate) fn free_named(arena: &Arena, word: &AtomicU64) -> Result<bool, Fault> {
    let named = word.load(Relaxed) & u64::from(u32::MAX);
    if named == 0 {
        return Ok(false);
    }
    word.store(named, Relaxed);
    arena.free(word)
}
