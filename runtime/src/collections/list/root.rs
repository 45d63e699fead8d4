//! What a list begins with, and what can be done with it by those who know no types.
//!
//! The items, or the words that name their blocks, are in one block, of which `ledger.table` knows the order. `ledger.count` is how many
//! there are. In a list of blocks, what a word at or behind `count` names is nobody's: one store of `count` puts an item in or
//! takes it away, whatever is freed after that.
//!
//! # Safety
//! Atomic words and lock words.

#![allow(unsafe_code, reason = "implements the unsafe trait Root")]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::collections::fault::Fault;
use crate::collections::heap::Arena;
use crate::collections::heap::arena::named;
use crate::collections::heap::block::{HEADER, Ref};
use crate::collections::heap::buddy::{order_for, room_for};
use crate::collections::heap::ledger::{Inside, Ledger};
use crate::collections::heap::object::Head;
use crate::collections::heap::table::{Table, free_named, tidy};
use crate::collections::object::{Root, root_at};
use crate::sync::deadlock::Call;

/// Words of the journal: an item in place, and what leads to it.
const LOG: usize = 37;

/// How many items without any bytes there can be.
const MOST_OF_NOTHING: usize = u32::MAX as usize;

/// See the module.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct ListRoot {
    head: Head,
    pub(crate) ledger: Ledger<LOG>,
}

// SAFETY: see the module.
unsafe impl Root for ListRoot {
    fn head(&self) -> &Head {
        &self.head
    }
}

/// Somebody is in a list, and it is whole.
pub(crate) type InList<'a> = Inside<'a, LOG>;

impl ListRoot {
    /// How many items there are.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.ledger.count.load(Acquire) as usize
    }

    /// Where the items are, and how many of this size there is room for.
    #[inline(always)]
    pub(crate) fn items(&self, size: usize) -> (Option<Ref>, usize) {
        let table = Table::load(&self.ledger.table);
        let room = if table.block.is_some() { 1_usize << table.log } else { 0 };
        let room = room.saturating_sub(HEADER);
        (table.block, room.checked_div(size).unwrap_or(MOST_OF_NOTHING))
    }

    /// Goes in, after a death as well.
    #[inline(always)]
    pub(crate) fn enter(&self, arena: &Arena, blocks: bool) -> Result<InList<'_>, Fault> {
        self.ledger.enter(arena, Call::of::<Self>(), |inside| self.mend(arena, blocks, inside))
    }

    #[cold]
    fn mend(&self, arena: &Arena, blocks: bool, inside: &InList<'_>) -> Result<(), Fault> {
        arena.mend()?;
        tidy(arena, &self.ledger, inside)?;
        if blocks {
            self.free_from(arena, self.len(), inside)?;
        }
        Ok(())
    }

    /// The words that name blocks.
    pub(crate) fn words<'a>(&self, arena: &'a Arena) -> Result<&'a [AtomicU64], Fault> {
        let (block, capacity) = self.items(8);
        match block {
            Some(block) => arena.payload(block, capacity * 8),
            None => Ok(&[]),
        }
    }

    /// Frees what words from this one on name.
    pub(crate) fn free_from(
        &self,
        arena: &Arena,
        from: usize,
        inside: &InList<'_>,
    ) -> Result<bool, Fault> {
        self.free_range(arena, from..usize::MAX, inside)
    }

    /// Frees what these words name, of those that there are.
    pub(crate) fn free_range(
        &self,
        arena: &Arena,
        range: std::ops::Range<usize>,
        _: &InList<'_>,
    ) -> Result<bool, Fault> {
        let words = self.words(arena)?;
        let mut orphaned = false;
        for word in words.get(range.start..range.end.min(words.len())).unwrap_or_default() {
            orphaned |= free_named(arena, word)?;
        }
        Ok(orphaned)
    }

    /// A block for this many items of this size, which `ledger.spare` names.
    pub(crate) fn spare_for(
        &self,
        arena: &Arena,
        capacity: usize,
        size: usize,
        inside: &InList<'_>,
    ) -> Result<Table, Fault> {
        self.block_for(arena, capacity, size, &self.ledger.spare, inside)
    }

    /// The same, named by this word of the ledger. Whatever is in it is zero.
    pub(crate) fn block_for(
        &self,
        arena: &Arena,
        capacity: usize,
        size: usize,
        into: &AtomicU64,
        _: &InList<'_>,
    ) -> Result<Table, Fault> {
        let bytes = capacity.checked_mul(size).ok_or(Fault::Full)?;
        let room = room_for(bytes).ok_or(Fault::Full)?;
        let log = order_for(bytes).ok_or(Fault::Full)?;
        let block = arena.allocate_zeroed(room, into)?;
        Ok(Table { block: Some(block), log, life: 0 })
    }

    /// Has `table` be where the items are, of which there are `len` then; where they were until now is spare.
    pub(crate) fn switch(
        &self,
        arena: &Arena,
        table: Table,
        len: usize,
        spare: &AtomicU64,
        inside: &InList<'_>,
    ) -> Result<(), Fault> {
        let ledger = &self.ledger;
        let old = Table::load(&ledger.table);
        let mut change = inside.change(arena);
        change.note(&ledger.table)?;
        change.note(&ledger.count)?;
        change.note(spare)?;
        change.open();
        change.set(&ledger.table, table.word());
        change.set(&ledger.count, len as u64);
        change.set(spare, old.block.map_or(0, Ref::word));
        change.commit();
        Ok(())
    }

    /// There are so many items now: one store.
    #[inline(always)]
    pub(crate) fn set_len(&self, len: usize, _: &InList<'_>) {
        // Release: whoever sees the length sees the items.
        self.ledger.count.store(len as u64, Release);
    }

    /// The items are gone, all at once, and then their memory.
    pub(crate) fn clear(
        &self,
        arena: &Arena,
        blocks: bool,
        inside: &InList<'_>,
    ) -> Result<bool, Fault> {
        let spare = if blocks { &self.ledger.deep } else { &self.ledger.spare };
        if blocks {
            self.free_from(arena, self.len(), inside)?;
        }
        self.switch(arena, Table::of(0), 0, spare, inside)?;
        tidy(arena, &self.ledger, inside)
    }
}

/// Frees all that an object leads to that nobody has.
pub(crate) fn empty(arena: &Arena, object: Ref, blocks: bool) -> Result<(), Fault> {
    let list = root_at::<ListRoot>(arena, object)?;
    let inside = list.enter(arena, blocks)?;
    list.clear(arena, blocks, &inside)?;
    debug_assert!(named(&list.ledger.spare).is_none() && named(&list.ledger.deep).is_none());
    Ok(())
}
