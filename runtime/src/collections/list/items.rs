//! One item of a list: where it is, and how it is read and written, in place or in a block of its own.
//!
//! # Safety
//! `place_of` compares with the bounds of the arena and of the block. Items in place are copied out as `MaybeUninit`, and believed when the
//! sequence says that nothing has changed meanwhile, or by one who is inside: then they were written by a process of this build
//! (`identity_of`).

#![allow(unsafe_code, reason = "reads and writes items in place")]

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;

use super::List;
use super::root::InList;
use crate::collections::fault::Fault;
use crate::collections::heap::Ref;
use crate::collections::heap::arena::named;
use crate::collections::heap::block::HEADER;
use crate::collections::in_place;
use crate::collections::stored::{self, Encoded};
use crate::wire::Message;
use crate::{Error, Result};

/// An item as it was found.
pub(super) enum Found<T> {
    InPlace(MaybeUninit<T>),
    Block(Vec<u8>, Vec<Ref>),
}

impl<T: Message> List<T> {
    /// Bytes of an item, or of the word that names its block.
    #[inline(always)]
    pub(super) const fn size(blocks: bool) -> usize {
        if blocks { 8 } else { size_of::<T>() }
    }

    /// Goes in.
    #[inline(always)]
    pub(super) fn enter(&self) -> Result<InList<'_>, Fault> {
        self.handle.enter(self.handle.arena(), self.blocks)
    }

    /// Where an item is in place, or would be.
    #[inline(always)]
    pub(super) fn place_of(&self, index: usize) -> Result<*mut T, Fault> {
        let (block, capacity) = self.handle.items(size_of::<T>());
        self.place_in(block, capacity, index)
    }

    #[inline(always)]
    fn place_in(&self, block: Option<Ref>, capacity: usize, index: usize) -> Result<*mut T, Fault> {
        if size_of::<T>() == 0 {
            return Ok(std::ptr::dangling_mut());
        }
        let block = block.filter(|_| index < capacity).ok_or(Fault::Overwritten)?;
        let from = HEADER + index * size_of::<T>();
        let start = self.handle.arena().at(block, from + size_of::<T>());
        // SAFETY: `at` has compared with the end of the arena.
        Ok(unsafe { start.ok_or(Fault::Overwritten)?.add(from) }.cast().as_ptr())
    }

    /// What is at this place now: for one who is inside, or looks whether it still is.
    #[inline(always)]
    fn look(&self, index: usize) -> Result<Found<T>, Fault> {
        if self.blocks {
            return self.look_into_block(index, false);
        }
        let place = self.place_of(index)?;
        // SAFETY: see `place_of`.
        Ok(Found::InPlace(unsafe { in_place::copy_out(place) }))
    }

    fn look_into_block(&self, index: usize, inside: bool) -> Result<Found<T>, Fault> {
        let arena = self.handle.arena();
        let word = self.handle.words(arena)?.get(index).ok_or(Fault::Overwritten)?;
        let block = named(word).ok_or(Fault::Overwritten)?;
        if inside {
            return Ok(Found::Block(stored::all_bytes(arena, block)?, arena.refs_of(block)?));
        }
        // What refers to something has to be held before it can be freed: that takes being inside.
        let bytes = stored::bytes(arena, block)?.ok_or(Fault::Overwritten)?;
        Ok(Found::Block(bytes, Vec::new()))
    }

    /// The value of what was found in one moment.
    #[inline(always)]
    fn value(&self, found: Found<T>) -> Result<T> {
        match found {
            // SAFETY: see the module.
            Found::InPlace(value) => Ok(unsafe { value.assume_init() }),
            Found::Block(bytes, refs) => {
                stored::decode(&bytes, refs, &self.handle.place.arena, "item")
            }
        }
    }

    /// Reads without going in; `None`: too much is going on.
    #[inline(always)]
    pub(super) fn glimpse(&self, index: usize) -> Option<Result<Option<T>>> {
        const TRIES: usize = 16;
        for _ in 0..TRIES {
            let Some(glance) = self.handle.ledger.glance() else {
                std::hint::spin_loop();
                continue;
            };
            if index >= self.handle.len() {
                return Some(Ok(None));
            }
            let found = self.look(index);
            if self.handle.ledger.is_still(glance) {
                // What cannot be is seen to by one who is inside.
                return found.ok().map(|found| self.value(found).map(Some));
            }
        }
        None
    }

    /// Reads an item, which is there, for one who is inside.
    pub(super) fn read(&self, index: usize, _: &InList<'_>) -> Result<T> {
        let found = if self.blocks { self.look_into_block(index, true) } else { self.look(index) };
        self.value(found?)
    }

    /// The bytes of a value that does not stand in place.
    pub(super) fn encoded(&self, value: &T) -> Result<Option<Encoded>> {
        if self.blocks {
            stored::encode(value, &self.handle.place.arena, "item").map(Some)
        } else {
            Ok(None)
        }
    }

    /// Writes an item in place, where no reader looks: behind the last one, or into a table that nobody sees yet.
    #[inline(always)]
    pub(super) fn write_in_place(
        &self,
        block: Option<Ref>,
        capacity: usize,
        index: usize,
        value: &T,
        _: &InList<'_>,
    ) -> Result<(), Fault> {
        let place = self.place_in(block, capacity, index)?;
        // SAFETY: see `place_of`; who is inside is the only one who writes.
        unsafe { in_place::copy_in(value, place) };
        Ok(())
    }

    /// Writes an item where none is yet: behind the last one, where there is room.
    #[inline(always)]
    pub(super) fn write_new(
        &self,
        index: usize,
        value: &T,
        encoded: Option<&Encoded>,
        inside: &InList<'_>,
    ) -> Result<(), Fault> {
        match encoded {
            None => {
                let (block, capacity) = self.handle.items(size_of::<T>());
                self.write_in_place(block, capacity, index, value, inside)
            }
            Some(encoded) => {
                let arena = self.handle.arena();
                let word = self.handle.words(arena)?.get(index).ok_or(Fault::Overwritten)?;
                // What an attempt that failed has left.
                arena.free(word)?;
                stored::put(arena, encoded, word).map(drop)
            }
        }
    }

    /// Writes over an item that is there: it is the old one or the new one, whatever happens.
    pub(super) fn overwrite(
        &self,
        index: usize,
        value: &T,
        encoded: Option<&Encoded>,
        inside: &InList<'_>,
    ) -> Result<bool, Fault> {
        let (arena, ledger) = (self.handle.arena(), &self.handle.ledger);
        let Some(encoded) = encoded else {
            self.overwrite_in_place(index, value, inside)?;
            return Ok(false);
        };
        let word = self.handle.words(arena)?.get(index).ok_or(Fault::Overwritten)?;
        if let Some(block) = named(word)
            && stored::replace(arena, encoded, block, inside)?
        {
            return Ok(false);
        }
        let new = stored::put(arena, encoded, &ledger.spare)?;
        let mut change = inside.change(arena);
        change.note(word)?;
        change.note(&ledger.spare)?;
        change.open();
        let old = word.load(Relaxed);
        change.set(word, new.word());
        change.set(&ledger.spare, old);
        change.commit();
        arena.free(&ledger.spare)
    }

    fn overwrite_in_place(
        &self,
        index: usize,
        value: &T,
        inside: &InList<'_>,
    ) -> Result<(), Fault> {
        let place = self.place_of(index)?;
        if in_place::takes_one_store::<T>() {
            // SAFETY: see `place_of`; one store at most, and who is inside is the only one who writes.
            unsafe { in_place::copy_in(value, place) };
            return Ok(());
        }
        let arena = self.handle.arena();
        let words = arena.words_around(place.addr(), size_of::<T>()).ok_or(Fault::Overwritten)?;
        let mut change = inside.change(arena);
        change.note_all(words)?;
        change.open();
        // SAFETY: see `place_of`; who is inside is the only one who writes.
        unsafe { in_place::copy_in(value, place) };
        change.commit();
        Ok(())
    }

    /// Tries to have room for so many items, and at least for twice as many as there are when there is not.
    #[cold]
    pub(super) fn make_room(&self, wanted: usize, inside: &InList<'_>) -> Result<(), Fault> {
        let (root, arena, size) = (&*self.handle, self.handle.arena(), Self::size(self.blocks));
        let (block, capacity) = root.items(size);
        if wanted <= capacity && (block.is_some() || size == 0) {
            return Ok(());
        }
        let len = root.len();
        let table = root.spare_for(arena, wanted.max(4), size, inside)?;
        self.copy_table(block, table.block, 0..len, 0)?;
        root.switch(arena, table, len, &root.ledger.spare, inside)?;
        arena.free(&root.ledger.spare).map(drop)
    }

    /// Copies items, or the words that name their blocks, from one table to another one that nobody sees yet.
    pub(super) fn copy_table(
        &self,
        from: Option<Ref>,
        to: Option<Ref>,
        range: std::ops::Range<usize>,
        at: usize,
    ) -> Result<(), Fault> {
        let size = Self::size(self.blocks);
        let bytes = range.len() * size;
        if bytes == 0 {
            return Ok(());
        }
        let (from, to) = (from.ok_or(Fault::Overwritten)?, to.ok_or(Fault::Overwritten)?);
        let arena = self.handle.arena();
        let source = HEADER + range.start * size;
        let target = HEADER + at * size;
        let from = arena.at(from, source + bytes).ok_or(Fault::Overwritten)?;
        let to = arena.at(to, target + bytes).ok_or(Fault::Overwritten)?;
        // SAFETY: `at` has compared with the end of the arena.
        let from = unsafe { from.add(source) };
        // SAFETY: as above.
        let to = unsafe { to.add(target) };
        // SAFETY: both were compared; one who is inside is the only one who writes, and to what no reader looks at.
        unsafe { to.copy_from(from, bytes) };
        Ok(())
    }

    pub(super) fn garbled() -> Error {
        Fault::Overwritten.into()
    }
}
