//! One entry of a dict: where it is, and how it is found, read and written, in place or in a block of its own.
//!
//! # Safety
//! `entry_at` compares with the bounds of the arena and of the table. Entries in place are copied out as `MaybeUninit`, and believed when the
//! sequence says that nothing has changed meanwhile, or by one who is inside: then they were written by a process of this build
//! (`identity_of`).

#![allow(unsafe_code, reason = "reads and writes entries in place")]

use std::borrow::Borrow;
use std::hash::Hash;
use std::mem::{MaybeUninit, offset_of};
use std::sync::atomic::Ordering::Relaxed;

use super::Dict;
use super::root::{InPart, LOW, Part, REMOVED, Slots, Spot, counts, counts_word, mark};
use crate::collections::fault::Fault;
use crate::collections::heap::Ref;
use crate::collections::heap::table::Table;
use crate::collections::in_place::{self, LARGEST, is_in_place};
use crate::collections::stored::{self, Encoded, Glimpse};
use crate::wire::Message;
use crate::{Error, Result};

/// An entry in place.
#[repr(C)]
pub(super) struct Entry<K, V> {
    key: K,
    value: V,
}

/// How often to look without going in.
const TRIES: usize = 16;

/// It changed while it was looked at.
struct Again;

impl From<Fault> for Again {
    /// What cannot be may be so only because it is changing.
    fn from(_: Fault) -> Self {
        Self
    }
}

/// Why a glimpse was of no use.
enum Miss {
    /// It changed meanwhile.
    Again,
    /// One has to be inside.
    GoIn,
    Failed(Error),
}

impl From<Fault> for Miss {
    /// What cannot be may be so only because it is changing.
    fn from(_: Fault) -> Self {
        Self::Again
    }
}

impl<K: Message + Hash + Eq, V: Message> Dict<K, V> {
    /// Whether entries are in blocks of their own.
    pub(super) fn are_in_blocks() -> bool {
        let fits = size_of::<Entry<K, V>>() <= LARGEST && align_of::<Entry<K, V>>() <= 16;
        !(fits && is_in_place::<K>() && is_in_place::<V>())
    }

    /// Where an entry in place is.
    #[inline(always)]
    fn entry_at(&self, slots: &Slots<'_>, at: usize) -> Result<*mut Entry<K, V>, Fault> {
        let size = size_of::<Entry<K, V>>();
        let from = slots.entries_from(align_of::<Entry<K, V>>()) + at * size;
        let block = slots.block.filter(|_| at < slots.words.len()).ok_or(Fault::Overwritten)?;
        let start = self.handle.arena().at(block, from + size).ok_or(Fault::Overwritten)?;
        // SAFETY: `at` has compared with the end of the arena.
        Ok(unsafe { start.add(from) }.cast().as_ptr())
    }

    #[inline(always)]
    fn key_of(entry: *mut Entry<K, V>) -> *mut K {
        entry.wrapping_byte_add(offset_of!(Entry<K, V>, key)).cast()
    }

    #[inline(always)]
    fn value_of(entry: *mut Entry<K, V>) -> *mut V {
        entry.wrapping_byte_add(offset_of!(Entry<K, V>, value)).cast()
    }

    /// Reads a value in place without going in. `None`: too much is going on.
    #[inline(always)]
    pub(super) fn glimpse_in_place<Q>(&self, hash: u64, key: &Q) -> Option<Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        // Filled where it is to be: what is handed up by value is copied at each step.
        let mut value = MaybeUninit::uninit();
        let part = self.parts.of_hash(&self.handle, hash);
        for _ in 0..TRIES {
            match self.glimpse_into(&mut value, part, hash, key) {
                // SAFETY: it has been filled, from an entry of one moment; see the module.
                Ok(true) => return Some(Some(unsafe { value.assume_init() })),
                Ok(false) => return Some(None),
                Err(Again) => std::hint::spin_loop(),
            }
        }
        None
    }

    /// Whether there is a value, which is in `into` then.
    #[inline(always)]
    fn glimpse_into<Q>(
        &self,
        into: &mut MaybeUninit<V>,
        part: &Part,
        hash: u64,
        key: &Q,
    ) -> Result<bool, Again>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let life = self.handle.life();
        let glance = part.ledger.glance().ok_or(Again)?;
        let slots = Slots::of(part.table_of(life), self.handle.arena())?;
        let spot = slots.search(hash, |at, _| {
            let entry = self.entry_at(&slots, at)?;
            // SAFETY: see `entry_at`.
            let its = unsafe { in_place::copy_out(Self::key_of(entry)) };
            // SAFETY: as above.
            *into = unsafe { in_place::copy_out(Self::value_of(entry)) };
            if !part.ledger.is_still(glance) {
                return Err(Again);
            }
            // SAFETY: see the module.
            let its = unsafe { its.assume_init() };
            Ok(its.borrow() == key)
        })?;
        let found = matches!(spot, Spot::Found(_));
        if found || part.ledger.is_still(glance) { Ok(found) } else { Err(Again) }
    }

    /// Reads an encoded value without going in. `None`: too much is going on, or it takes being inside.
    pub(super) fn glimpse_encoded<Q>(&self, hash: u64, key: &Q) -> Option<Result<Option<V>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let part = self.parts.of_hash(&self.handle, hash);
        for _ in 0..TRIES {
            match self.glimpse_block(part, hash, key) {
                Ok(found) => return Some(Ok(found)),
                Err(Miss::Failed(error)) => return Some(Err(error)),
                Err(Miss::GoIn) => return None,
                Err(Miss::Again) => std::hint::spin_loop(),
            }
        }
        None
    }

    fn glimpse_block<Q>(&self, part: &Part, hash: u64, key: &Q) -> Result<Option<V>, Miss>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let arena = self.handle.arena();
        let life = self.handle.life();
        let glance = part.ledger.glance().ok_or(Miss::Again)?;
        let slots = Slots::of(part.table_of(life), arena)?;
        let mut found = None;
        slots.search(hash, |_, slot| {
            let still = || part.ledger.is_still(glance);
            let bytes = match stored::glimpse(arena, Ref(slot as u32), still)?.ok_or(Miss::Again)? {
                Glimpse::Bytes(bytes) => bytes,
                Glimpse::GoIn => return Err(Miss::GoIn),
            };
            found = self.value_if(key, &bytes, Vec::new()).map_err(Miss::Failed)?;
            Ok(found.is_some())
        })?;
        if found.is_none() && !part.ledger.is_still(glance) {
            return Err(Miss::Again);
        }
        Ok(found)
    }

    /// The value of an encoded entry, if that is its key.
    fn value_if<Q>(&self, key: &Q, bytes: &[u8], refs: Vec<Ref>) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        stored::decode_row(bytes, refs, &self.handle.place.arena, "value", |row| {
            let its: K = row.take("key")?;
            if its.borrow() == key { row.take("value").map(Some) } else { Ok(None) }
        })
    }

    /// Looks for a key among entries in place, for one who is inside.
    #[inline(always)]
    pub(super) fn find_in_place<Q>(
        &self,
        slots: &Slots<'_>,
        hash: u64,
        key: &Q,
        _: &InPart<'_>,
    ) -> Result<Spot, Fault>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        slots.search(hash, |at, _| {
            let entry = self.entry_at(slots, at)?;
            // SAFETY: see the module: who is inside is the only one who writes.
            let its = unsafe { &*Self::key_of(entry) };
            Ok(its.borrow() == key)
        })
    }

    /// Has a key have this value, in place; gives the one that it had.
    #[inline(always)]
    pub(super) fn insert_in_place(&self, key: &K, value: &V) -> Result<Option<V>> {
        // Filled where it is to be: what is handed up by value is copied at each step.
        let mut old = MaybeUninit::uninit();
        match self.exchange_in_place(key, value, &mut old) {
            // SAFETY: it has been filled; see the module.
            Ok(true) => Ok(Some(unsafe { old.assume_init() })),
            Ok(false) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Whether the key had a value, which is in `old` then.
    #[inline(always)]
    fn exchange_in_place(
        &self,
        key: &K,
        value: &V,
        old: &mut MaybeUninit<V>,
    ) -> Result<bool, Fault> {
        let hash = self.hash(key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let Spot::Found(at) = self.find_in_place(&slots, hash, key, &inside)? else {
            self.write_new(part, hash, (key, value), None, &inside)?;
            return Ok(false);
        };
        let place = Self::value_of(self.entry_at(&slots, at)?);
        // SAFETY: see the module: who is inside is the only one who writes.
        *old = unsafe { place.cast::<MaybeUninit<V>>().read() };
        self.overwrite_in_place(&slots, at, value, &inside)?;
        inside.leave();
        Ok(true)
    }

    /// The entry in a slot, for one who is inside.
    pub(super) fn entry(&self, slots: &Slots<'_>, at: usize, _: &InPart<'_>) -> Result<(K, V)> {
        if self.blocks {
            let arena = self.handle.arena();
            let block = Ref(slots.words[at].load(Relaxed) as u32);
            let (bytes, refs) = (stored::all_bytes(arena, block)?, arena.refs_of(block)?);
            return stored::decode_row(&bytes, refs, &self.handle.place.arena, "value", |row| {
                Ok((row.take("key")?, row.take("value")?))
            });
        }
        let entry = self.entry_at(slots, at)?;
        // SAFETY: see the module: who is inside is the only one who writes, and there is nothing to drop.
        let Entry { key, value } = unsafe { entry.read() };
        Ok((key, value))
    }

    /// Looks for a key, for one who is inside: where it is, with what is there, or where it would be.
    pub(super) fn find<Q>(
        &self,
        slots: &Slots<'_>,
        hash: u64,
        key: &Q,
        inside: &InPart<'_>,
    ) -> Result<(Spot, Option<(K, V)>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut found = None;
        let spot = slots.search(hash, |at, _| {
            let entry = self.entry(slots, at, inside)?;
            if entry.0.borrow() != key {
                return Ok::<_, Error>(false);
            }
            found = Some(entry);
            Ok(true)
        })?;
        Ok((spot, found))
    }

    /// The bytes of an entry that does not stand in place.
    pub(super) fn encoded(&self, key: &K, value: &V) -> Result<Option<Encoded>> {
        if self.blocks {
            stored::encode_pair((key, value), &self.handle.place.arena).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Has a key have another value. True: something may be an orphan now.
    pub(super) fn overwrite(
        &self,
        part: &Part,
        slots: &Slots<'_>,
        at: usize,
        value: &V,
        encoded: Option<&Encoded>,
        inside: &InPart<'_>,
    ) -> Result<bool, Fault> {
        let (arena, ledger) = (self.handle.arena(), &part.ledger);
        let Some(encoded) = encoded else {
            self.overwrite_in_place(slots, at, value, inside)?;
            return Ok(false);
        };
        let slot = &slots.words[at];
        if stored::replace(arena, encoded, Ref(slot.load(Relaxed) as u32), inside)? {
            return Ok(false);
        }
        let new = stored::put(arena, encoded, &ledger.spare)?;
        let mut change = inside.change(arena);
        change.note(slot)?;
        change.note(&ledger.spare)?;
        change.open();
        let old = slot.load(Relaxed);
        change.set(slot, old & !LOW | new.word());
        change.set(&ledger.spare, old & LOW);
        change.commit();
        arena.free(&ledger.spare)
    }

    #[inline(always)]
    pub(super) fn overwrite_in_place(
        &self,
        slots: &Slots<'_>,
        at: usize,
        value: &V,
        inside: &InPart<'_>,
    ) -> Result<(), Fault> {
        let entry = self.entry_at(slots, at)?;
        let place = Self::value_of(entry);
        if in_place::takes_one_store::<V>() {
            // SAFETY: see `entry_at`; one store at most, and who is inside is the only one who writes.
            unsafe { in_place::copy_in(value, place) };
            return Ok(());
        }
        let arena = self.handle.arena();
        let words = arena.words_around(place.addr(), size_of::<V>()).ok_or(Fault::Overwritten)?;
        let mut change = inside.change(arena);
        change.note_all(words)?;
        change.open();
        // SAFETY: see `entry_at`; who is inside is the only one who writes.
        unsafe { in_place::copy_in(value, place) };
        change.commit();
        Ok(())
    }

    /// Puts an entry that is not there into a slot that is not in use.
    #[inline(never)]
    pub(super) fn write_new(
        &self,
        part: &Part,
        hash: u64,
        (key, value): (&K, &V),
        encoded: Option<&Encoded>,
        inside: &InPart<'_>,
    ) -> Result<(), Fault> {
        let (arena, ledger) = (self.handle.arena(), &part.ledger);
        let (slots, at) = self.slot_for(part, hash, inside)?;
        let slot = &slots.words[at];
        let low = match encoded {
            Some(encoded) => stored::put(arena, encoded, &ledger.spare)?.word(),
            None => {
                let place = self.entry_at(&slots, at)?;
                // SAFETY: see `entry_at`; no slot leads there yet, and who is inside is the only one who writes.
                unsafe { in_place::copy_in(key, Self::key_of(place)) };
                // SAFETY: as above.
                unsafe { in_place::copy_in(value, Self::value_of(place)) };
                1
            }
        };
        let (entries, used) = counts(ledger.count.load(Relaxed));
        let used = used + usize::from(slot.load(Relaxed) == 0);
        let mut change = inside.change(arena);
        change.note(slot)?;
        change.note(&ledger.count)?;
        change.note(&ledger.spare)?;
        change.open();
        change.set(slot, mark(hash) | low);
        change.set(&ledger.count, counts_word(entries + 1, used));
        change.set(&ledger.spare, 0);
        change.commit();
        Ok(())
    }

    /// Takes an entry out. True: something may be an orphan now.
    pub(super) fn take_out(
        &self,
        part: &Part,
        slots: &Slots<'_>,
        at: usize,
        inside: &InPart<'_>,
    ) -> Result<bool, Fault> {
        let (arena, ledger) = (self.handle.arena(), &part.ledger);
        let slot = &slots.words[at];
        let (entries, used) = counts(ledger.count.load(Relaxed));
        let is_last = slots.is_last(at);
        let mut change = inside.change(arena);
        change.note(slot)?;
        change.note(&ledger.count)?;
        change.note(&ledger.spare)?;
        change.open();
        let old = slot.load(Relaxed);
        change.set(slot, if is_last { 0 } else { REMOVED });
        let used = used.saturating_sub(usize::from(is_last));
        change.set(&ledger.count, counts_word(entries.saturating_sub(1), used));
        change.set(&ledger.spare, if self.blocks { old & LOW } else { 0 });
        change.commit();
        if self.blocks { arena.free(&ledger.spare) } else { Ok(false) }
    }

    /// A slot for a new entry, in a table that is not too full with it.
    fn slot_for<'a>(
        &'a self,
        part: &Part,
        hash: u64,
        inside: &InPart<'_>,
    ) -> Result<(Slots<'a>, usize), Fault> {
        let arena = self.handle.arena();
        let slots = Slots::of(part.table(inside), arena)?;
        let (_, used) = counts(part.ledger.count.load(Relaxed));
        if let Spot::Vacant(Some(at)) = slots.search(hash, |_, _| Ok::<_, Fault>(false))?
            && (slots.words[at].load(Relaxed) == REMOVED || (used + 1) * 4 <= slots.words.len() * 3)
        {
            return Ok((slots, at));
        }
        let slots = self.rebuild(part, &slots, inside)?;
        let at = slots.first_empty(hash).ok_or(Fault::Overwritten)?;
        Ok((slots, at))
    }

    /// Makes another table of the same entries, without what is left of those removed, and twice as large if need be.
    fn rebuild<'a>(
        &'a self,
        part: &Part,
        old: &Slots<'_>,
        inside: &InPart<'_>,
    ) -> Result<Slots<'a>, Fault> {
        let arena = self.handle.arena();
        // Not what `count` says, which may have been overwritten.
        let entries = old.words.iter().filter(|slot| slot.load(Relaxed) & LOW != 0).count();
        let wanted = ((entries + 1) * 2).next_power_of_two().max(8);
        let table = self.table_for(part, wanted, inside)?;
        let new = Slots::of(table, arena)?;
        for (from, slot) in old.words.iter().enumerate() {
            let slot = slot.load(Relaxed);
            if slot & LOW == 0 {
                continue;
            }
            let to = new.first_empty(slot).ok_or(Fault::Overwritten)?;
            new.words[to].store(slot, Relaxed);
            if !self.blocks {
                let (from, to) = (self.entry_at(old, from)?, self.entry_at(&new, to)?);
                // SAFETY: see `entry_at`; who is inside is the only one who writes, and to what nobody sees yet.
                unsafe { to.copy_from_nonoverlapping(from, 1) };
            }
        }
        part.switch(arena, table, entries, false, inside)?;
        arena.free(&part.ledger.spare)?;
        Ok(new)
    }

    /// A table of so many slots, which `spare` names.
    fn table_for(&self, part: &Part, slots: usize, inside: &InPart<'_>) -> Result<Table, Fault> {
        let (arena, ledger) = (self.handle.arena(), &part.ledger);
        let block = if self.blocks {
            arena.allocate_zeroed(slots * 8, &ledger.spare)?
        } else {
            // As `entries_from` says, whose header is in front of this.
            let spare = align_of::<Entry<K, V>>();
            let len =
                size_of::<Entry<K, V>>().checked_mul(slots).and_then(|len| len.checked_add(spare));
            arena.allocate_zeroed(slots * 8 + len.ok_or(Fault::Full)?, &ledger.spare)?
        };
        let life = part.table(inside).life;
        Ok(Table { block: Some(block), log: slots.trailing_zeros(), life })
    }
}
