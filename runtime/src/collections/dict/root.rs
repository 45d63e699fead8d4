//! What a dict begins with, and what can be done with it by those who know no types.
//!
//! A dict is several parts (shards), each with a lock, a journal and a table of its own, so that those who write seldom meet. Which part a key
//! belongs to says its hash. A table is open addressing with linear probing: a row of slots, and behind them, if entries stand in place,
//! as many entries.
//!
//! | slot                     | meaning |
//! | ------------------------ | --- |
//! | 0                        | empty: whoever probes may stop |
//! | [`REMOVED`]              | an entry was here: whoever probes goes on |
//! | upper half with `MARK`   | the upper half of the entry's hash; the lower half names its block, or is 1 for one in place |
//!
//! `ledger.count` has how many entries there are in its lower half, and how many slots are not empty in its upper half.
//!
//! Clearing is one step for all parts: `head.generation` is the dict's life, and a table of another life counts as empty, and is
//! freed by the next one who is in its part.
//!
//! # Safety
//! Atomic words and lock words.

#![allow(unsafe_code, reason = "implements the unsafe trait Root")]

use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::collections::fault::Fault;
use crate::collections::heap::block::HEADER;
use crate::collections::heap::ledger::{Inside, Ledger};
use crate::collections::heap::object::Head;
use crate::collections::heap::table::{LIFE, Table, tidy};
use crate::collections::heap::{Arena, Ref};
use crate::collections::object::{Handle, Root, root_at};
use crate::sync::deadlock::Call;

/// Words of a part's journal: an entry in place, and what leads to it.
const LOG: usize = 37;
/// How many parts a dict in memory of its own has.
pub(crate) const PARTS: usize = 16;

/// An entry was here.
pub(crate) const REMOVED: u64 = 1 << 63;
/// A slot has an entry.
pub(crate) const MARK: u64 = 1 << 63;
/// The half of a slot that names a block.
pub(crate) const LOW: u64 = u32::MAX as u64;

/// A part of a dict. Lines of cache of its own, and a pair of them at that, which processors fetch together.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) ledger: Ledger<LOG>,
}

/// The root of a dict with so many parts.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct DictRoot<const N: usize> {
    head: Head,
    parts: [Part; N],
}

/// A dict in memory of its own.
pub(crate) type Large = DictRoot<PARTS>;
/// A dict inside of another collection.
pub(crate) type Small = DictRoot<1>;

const _: () = assert!(size_of::<Part>() == 384 && size_of::<Small>() == 512);

// SAFETY: see the module.
unsafe impl<const N: usize> Root for DictRoot<N> {
    fn head(&self) -> &Head {
        &self.head
    }
}

/// The parts of a dict, wherever they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    first: NonNull<Part>,
    count: usize,
}

// SAFETY: like a reference to parts, which are atomic throughout.
unsafe impl Send for Parts {}
// SAFETY: as above.
unsafe impl Sync for Parts {}

impl Parts {
    /// Those of a dict at this place.
    pub(crate) fn of(arena: &Arena, place: Ref) -> Result<Self, Fault> {
        let parts = if place == Ref::ROOT {
            root_at::<Large>(arena, place)?.parts.as_slice()
        } else {
            root_at::<Small>(arena, place)?.parts.as_slice()
        };
        Ok(Self { first: NonNull::from(&parts[0]), count: parts.len() })
    }

    /// For one who has the dict's handle, or its memory, as long as that is there.
    #[inline(always)]
    pub(crate) fn all<'a, H>(&self, _: &'a H) -> &'a [Part] {
        // SAFETY: `of` found so many there, and the handle keeps them there.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }

    /// That of this hash. The other half of it says where in the table an entry is.
    #[inline(always)]
    pub(crate) fn of_hash<'a>(&self, handle: &'a Handle<Head>, hash: u64) -> &'a Part {
        &self.all(handle)[hash as usize & (self.count - 1)]
    }
}

/// Somebody is in a part, and it is whole.
pub(crate) type InPart<'a> = Inside<'a, LOG>;

impl Head {
    /// Which life of the dict this is.
    #[inline(always)]
    pub(crate) fn life(&self) -> u32 {
        self.generation.load(Acquire) as u32 & LIFE
    }

    /// All that is in the dict is in it no more.
    pub(crate) fn next_life(&self) {
        self.generation.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    }
}

/// A row of slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a> {
    pub(crate) words: &'a [AtomicU64],
    pub(crate) block: Option<Ref>,
}

/// Where a search has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// There is an entry with this hash, and it is the one.
    Found(usize),
    /// There is none, and this slot is the first that could have it, if any.
    Vacant(Option<usize>),
}

impl<'a> Slots<'a> {
    /// Those of a table.
    #[inline(always)]
    pub(crate) fn of(table: Table, arena: &'a Arena) -> Result<Self, Fault> {
        let Some(block) = table.block else { return Ok(Self { words: &[], block: None }) };
        let words = arena.payload(block, 8 << table.log)?;
        Ok(Self { words, block: Some(block) })
    }

    /// Looks for an entry with this hash that `is_it`.
    #[inline(always)]
    pub(crate) fn search<E>(
        &self,
        hash: u64,
        mut is_it: impl FnMut(usize, u64) -> Result<bool, E>,
    ) -> Result<Spot, E> {
        let mask = self.words.len().wrapping_sub(1);
        let mark = mark(hash);
        let (mut at, mut vacant) = (home(hash), None);
        for _ in 0..self.words.len() {
            at &= mask;
            let slot = self.words[at].load(Relaxed);
            if slot & !LOW == mark && slot & LOW != 0 {
                if is_it(at, slot)? {
                    return Ok(Spot::Found(at));
                }
            } else if slot == 0 {
                return Ok(Spot::Vacant(vacant.or(Some(at))));
            } else if slot == REMOVED && vacant.is_none() {
                vacant = Some(at);
            }
            at += 1;
        }
        Ok(Spot::Vacant(vacant))
    }

    /// The first empty slot for an entry with this hash, or with this slot in another table.
    pub(crate) fn first_empty(&self, hash: u64) -> Option<usize> {
        let mask = self.words.len().wrapping_sub(1);
        let mut places = (0..self.words.len()).map(|step| home(hash).wrapping_add(step) & mask);
        places.find(|at| self.words[*at].load(Relaxed) == 0)
    }

    /// Whether the probing ends behind this slot.
    pub(crate) fn is_last(&self, at: usize) -> bool {
        self.words[(at + 1) & (self.words.len() - 1)].load(Relaxed) == 0
    }

    /// How far from the beginning of the block the entries begin, whose alignment is this.
    #[inline(always)]
    pub(crate) fn entries_from(&self, align: usize) -> usize {
        (HEADER + self.words.len() * 8).next_multiple_of(align)
    }
}

/// Where probing begins: a matter of the half of the hash that the slot keeps, so that a table can be made from another one.
#[inline(always)]
fn home(hash: u64) -> usize {
    ((hash & !MARK) >> 32) as usize
}

/// The upper half of a slot.
#[inline(always)]
pub(crate) fn mark(hash: u64) -> u64 {
    hash & !LOW | MARK
}

/// How many entries, and how many slots that are not empty.
#[inline(always)]
pub(crate) fn counts(word: u64) -> (usize, usize) {
    ((word & LOW) as usize, (word >> 32) as usize)
}

#[inline(always)]
pub(crate) fn counts_word(entries: usize, slots: usize) -> u64 {
    entries as u64 | (slots as u64) << 32
}

impl Part {
    /// Goes in, after a death as well. A table of another life is freed.
    #[inline(always)]
    pub(crate) fn enter(
        &self,
        arena: &Arena,
        head: &Head,
        blocks: bool,
    ) -> Result<InPart<'_>, Fault> {
        let ledger = &self.ledger;
        let inside = ledger.enter(arena, Call::of::<Self>(), |inside| self.mend(arena, inside))?;
        // Inside, so that nobody else has begun a newer life here meanwhile.
        let life = head.life();
        if Table::load(&ledger.table).life != life {
            self.renew(arena, life, blocks, &inside)?;
        }
        Ok(inside)
    }

    #[cold]
    fn mend(&self, arena: &Arena, inside: &InPart<'_>) -> Result<(), Fault> {
        arena.mend()?;
        tidy(arena, &self.ledger, inside).map(drop)
    }

    /// The table, if it is of this life.
    #[inline(always)]
    pub(crate) fn table_of(&self, life: u32) -> Table {
        let table = Table::load(&self.ledger.table);
        if table.life == life { table } else { Table { block: None, log: 0, life } }
    }

    /// The table, for one who is inside.
    #[inline(always)]
    pub(crate) fn table(&self, _: &InPart<'_>) -> Table {
        Table::load(&self.ledger.table)
    }

    /// How many entries there are in this life.
    pub(crate) fn len(&self, life: u32) -> usize {
        if self.table_of(life).block.is_none() {
            return 0;
        }
        counts(self.ledger.count.load(Acquire)).0
    }

    /// Frees what was in it in another life: what nothing refers to any more waits for the next one who reaps.
    #[cold]
    fn renew(
        &self,
        arena: &Arena,
        life: u32,
        blocks: bool,
        inside: &InPart<'_>,
    ) -> Result<(), Fault> {
        self.switch(arena, Table { block: None, log: 0, life }, 0, blocks, inside)?;
        tidy(arena, &self.ledger, inside).map(drop)
    }

    /// Has `table` be the part's, with so many entries; the one until now is spare, or goes with all its blocks.
    pub(crate) fn switch(
        &self,
        arena: &Arena,
        table: Table,
        entries: usize,
        deep: bool,
        inside: &InPart<'_>,
    ) -> Result<(), Fault> {
        let ledger = &self.ledger;
        let spare = if deep { &ledger.deep } else { &ledger.spare };
        let old = Table::load(&ledger.table);
        let mut change = inside.change(arena);
        change.note(&ledger.table)?;
        change.note(&ledger.count)?;
        change.note(spare)?;
        change.open();
        change.set(&ledger.table, table.word());
        change.set(&ledger.count, counts_word(entries, entries));
        change.set(spare, old.block.map_or(0, Ref::word));
        change.commit();
        Ok(())
    }
}

/// Frees all that an object leads to that nobody has.
pub(crate) fn empty(arena: &Arena, object: Ref, blocks: bool) -> Result<(), Fault> {
    let dict = root_at::<Small>(arena, object)?;
    dict.head.next_life();
    dict.parts.iter().try_for_each(|part| part.enter(arena, &dict.head, blocks).map(drop))
}
