//! One item of a list: where it is, and how it is read and written, in place or in a block of its own.
//!
//! # Safety
//! `place_of` compares with the bounds of the arena and of the block. Items in place are copied out as `MaybeUninit`, and believed when the
//! sequence says that nothing has changed meanwhile, or by one who is inside: then they were written by a process of this build
//! (`identity_of`).

#![allow(unsafe_code, reason = "reads and writes items in place")]

use std::sync::atomic::Ordering::Relaxed;

use super::List;
use super::root::InList;
use crate::Result;
use crate::collections::fault::Fault;
use crate::collections::heap::Ref;
use crate::collections::heap::arena::named;
use crate::collections::heap::block::HEADER;
use crate::collections::in_place;
use crate::collections::stored::{self, Encoded, Glimpse};
use crate::wire::Message;

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

    /// How many items there are: no more than there is room for, or it was overwritten.
    pub(super) fn count(&self, _: &InList<'_>) -> Result<usize, Fault> {
        let (len, size) = (self.handle.len(), Self::size(self.blocks));
        let (block, capacity) = self.handle.items(size);
        let is_there = |block| self.handle.arena().at(block, HEADER + len * size).is_some();
        let is_so = len <= capacity && (len * size == 0 || block.is_some_and(is_there));
        if is_so { Ok(len) } else { Err(Fault::Overwritten) }
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

    /// Reads without going in; `None`: too much is going on, or it takes being inside.
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
            let is_still = || self.handle.ledger.is_still(glance);
            if self.blocks {
                match self.glimpse_block(index, is_still) {
                    Ok(Some(Glimpse::Bytes(bytes))) => {
                        return Some(self.decoded(&bytes, Vec::new()).map(Some));
                    }
                    Ok(None) => continue,
                    // What refers to something has to be held before it can be freed; what cannot be is seen to by one who is inside.
                    Ok(Some(Glimpse::GoIn)) | Err(_) => return None,
                }
            }
            let Ok(place) = self.place_of(index) else { continue };
            // SAFETY: see `place_of`.
            let item = unsafe { in_place::copy_out(place) };
            if is_still() {
                // SAFETY: see the module.
                return Some(Ok(Some(unsafe { item.assume_init() })));
            }
        }
        None
    }

    #[inline(never)]
    fn glimpse_block(
        &self,
        index: usize,
        is_still: impl Fn() -> bool,
    ) -> Result<Option<Glimpse>, Fault> {
        let arena = self.handle.arena();
        stored::glimpse(arena, self.block_of(index)?, is_still)
    }

    fn block_of(&self, index: usize) -> Result<Ref, Fault> {
        let words = self.handle.words(self.handle.arena())?;
        words.get(index).and_then(named).ok_or(Fault::Overwritten)
    }

    fn decoded(&self, bytes: &[u8], refs: Vec<Ref>) -> Result<T> {
        stored::decode(bytes, refs, &self.handle.place.arena, "item")
    }

    /// Reads an item, which is there, for one who is inside.
    pub(super) fn read(&self, index: usize, _: &InList<'_>) -> Result<T> {
        if self.blocks {
            let (arena, block) = (self.handle.arena(), self.block_of(index)?);
            return self.decoded(&stored::all_bytes(arena, block)?, arena.refs_of(block)?);
        }
        let place = self.place_of(index)?;
        // SAFETY: see the module: who is inside is the only one who writes, and there is nothing to drop.
        Ok(unsafe { place.read() })
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
        if size == 0 {
            return if wanted <= capacity { Ok(()) } else { Err(Fault::Full) };
        }
        if wanted <= capacity && block.is_some() {
            return Ok(());
        }
        let len = self.count(inside)?;
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
}
