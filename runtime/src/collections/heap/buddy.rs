//! Blocks to have and to give back: a buddy system (Knowlton 1965; Knuth, The Art of Computer Programming 2.5), each step of which is a
//! change in the heap's journal.
//!
//! A block of order n has 2ⁿ bytes and begins at a multiple of that. It is made by halving one of order n + 1, whose other half is its
//! buddy, and becomes one with it again when both are free. Blocks of one order that are free are a list with links both ways. All that is there
//! is one power of two of bytes, which is doubled when nothing fits.
//!
//! Whoever wants a block says which word is to name it, and whoever gives one back says which word names it: the
//! word changes with the heap, or neither does. (So does libpmemobj's `pmemobj_alloc`.) A word that names a block is therefore all that
//! one has to look after.
//!
//! Memory: what is smaller than [`GRAIN`] lies in grains that have all of theirs. A larger free block may be hollow, and then
//! only its first page has memory, where its header is; it gets what is needed of it before it is in use, so that a full memory is an
//! error that changes nothing. What is free and as large as [`LARGE`] gives its memory back.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{Arena, named};
use super::block::{Block, HEADER, LEAST, Ref, State};
use super::control::{Control, LOG, REFS_MAX};
use super::ledger::{Change, Inside};
use super::object;
use crate::collections::fault::Fault;
use crate::sync::deadlock::Call;

/// The order of all that there can be: 8 GiB.
pub(crate) const MOST: u32 = 33;
/// The order of a grain.
const GRAIN: u32 = 14;
/// The order from which on free blocks give their memory back.
const LARGE: u32 = 20;
/// What has memory of a hollow block.
const PAGE: usize = 4096;

type Heap<'a> = Change<'a, LOG>;
/// Somebody is in the heap, and it is whole.
type InHeap<'a> = Inside<'a, LOG>;

/// The order of a block for so many bytes.
pub(crate) fn order_for(len: usize) -> Option<u32> {
    let size = len.checked_add(HEADER)?.checked_next_power_of_two()?;
    let order = size.trailing_zeros().max(LEAST);
    (order < MOST).then_some(order)
}

/// How many bytes a block that holds so many has room for.
pub(crate) fn room_for(len: usize) -> Option<usize> {
    Some((1 << order_for(len)?) - HEADER)
}

impl Arena {
    /// Lays out new memory, of which nobody else knows yet: the root, and what is left of the first grain.
    pub(super) fn begin(&self, root: usize) -> Result<(), Fault> {
        let order = order_for(root).ok_or(Fault::Full)?;
        let top = order.max(GRAIN);
        self.reserve(Ref::ROOT, 1 << top)?;
        let control = self.control();
        control.ledger.table.store(top.into(), Relaxed);
        let block = self.block(Ref::ROOT)?;
        block.state.store(State::Used { order }.word(), Relaxed);
        block.detail.store(Block::lens_word(root, 0), Relaxed);
        for order in order..top {
            let half = Ref::ROOT.buddy(order);
            let block = self.block(half)?;
            block.state.store(State::Free { order, hollow: false }.word(), Relaxed);
            block.detail.store(Block::links_word(None, None), Relaxed);
            control.free[order as usize].store(half.word(), Relaxed);
        }
        control.ledger.count.store(1 << order, Relaxed);
        Ok(())
    }

    /// A block for so many bytes behind these references to objects, which `into` names from now on. `into` named none, and lies in the arena.
    pub(crate) fn allocate(
        &self,
        len: usize,
        refs: &[Ref],
        into: &AtomicU64,
    ) -> Result<Ref, Fault> {
        let bytes = len.checked_add(refs.len().next_multiple_of(2) * 4).ok_or(Fault::Full)?;
        let inside = self.enter()?;
        let mut change = inside.change(self);
        change.open();
        let place = self.allocate_within(&mut change, bytes)?;
        let detail = &self.block(place)?.detail;
        change.set(detail, Block::lens_word(len, refs.len()));
        let words = self.payload(place, bytes)?;
        for (index, object) in refs.iter().enumerate() {
            object::refer(self, &mut change, *object)?;
            let shift = 32 * (index % 2);
            let word = &words[index / 2];
            let other = if shift == 0 { 0 } else { word.load(Relaxed) };
            // Of a block that nobody has seen yet.
            word.store(other | (object.word() + 1) << shift, Relaxed);
        }
        change.put(into, place.word())?;
        change.commit();
        Ok(place)
    }

    /// A block of so many bytes, all of them 0, which `into` names from now on.
    pub(crate) fn allocate_zeroed(&self, len: usize, into: &AtomicU64) -> Result<Ref, Fault> {
        let inside = self.enter()?;
        let mut change = inside.change(self);
        change.open();
        let place = self.allocate_within(&mut change, len)?;
        self.clear(place, len)?;
        change.put(into, place.word())?;
        change.commit();
        Ok(place)
    }

    /// Of a block of which nobody else knows yet, so that no journal need know what was in it.
    pub(super) fn clear(&self, place: Ref, len: usize) -> Result<(), Fault> {
        self.payload(place, len)?.iter().for_each(|word| word.store(0, Relaxed));
        Ok(())
    }

    /// After a death inside of a collection, which may have been one inside of the heap as well: then words that name blocks are those of an
    /// unfinished change. From here on they are what they were before it.
    pub(crate) fn mend(&self) -> Result<(), Fault> {
        self.enter().map(drop)
    }

    /// Goes into the heap, after a death as well.
    #[inline(always)]
    pub(super) fn enter(&self) -> Result<InHeap<'_>, Fault> {
        self.control().ledger.enter(self, Call::of::<Control>(), |_| self.give_all_large_back())
    }

    /// Gives the block back that `from` names, if it names one. What it referred to and nothing else does becomes an orphan: then true.
    pub(crate) fn free(&self, from: &AtomicU64) -> Result<bool, Fault> {
        let Some(place) = named(from) else { return Ok(false) };
        let inside = self.enter()?;
        let mut change = inside.change(self);
        change.open();
        change.put(from, 0)?;
        let orphaned = self.forget_refs(&mut change, place)?;
        let merged = self.put_back(&mut change, place)?;
        change.commit();
        self.give_large_back(merged);
        Ok(orphaned)
    }

    /// A block for so many bytes, as a part of a change of the heap.
    pub(super) fn allocate_within(&self, change: &mut Heap<'_>, len: usize) -> Result<Ref, Fault> {
        let order = order_for(len).ok_or(Fault::Full)?;
        let place = self.take(change, order, len + HEADER)?;
        change.put(&self.block(place)?.detail, Block::lens_word(len, 0))?;
        Ok(place)
    }

    /// As [`free`](Self::free), of a block without references, as a part of a change of the heap.
    pub(super) fn free_within(&self, change: &mut Heap<'_>, place: Ref) -> Result<(), Fault> {
        self.put_back(change, place).map(drop)
    }

    /// The words of a block behind its header, which are for so many bytes.
    #[inline(always)]
    pub(crate) fn payload(&self, place: Ref, len: usize) -> Result<&[AtomicU64], Fault> {
        let all = len.checked_add(HEADER).ok_or(Fault::Overwritten)?;
        self.at(place, all).ok_or(Fault::Overwritten)?;
        let first = (super::arena::BEGIN + place.0 as usize * super::block::UNIT + HEADER) / 8;
        self.words(first as u64, len.div_ceil(8)).ok_or(Fault::Overwritten)
    }

    /// The objects that a block refers to.
    pub(crate) fn refs_of(&self, place: Ref) -> Result<Vec<Ref>, Fault> {
        let (_, count) = self.block(place)?.lens();
        if count > REFS_MAX {
            return Err(Fault::Overwritten);
        }
        let words = self.payload(place, count * 4)?;
        let object = |index: usize| {
            let word = words[index / 2].load(Relaxed) >> (32 * (index % 2));
            // One more than the place, for the root can be referred to, too.
            (word as u32).checked_sub(1).map(Ref).ok_or(Fault::Overwritten)
        };
        (0..count).map(object).collect()
    }

    fn forget_refs(&self, change: &mut Heap<'_>, place: Ref) -> Result<bool, Fault> {
        let mut orphaned = false;
        for object in self.refs_of(place)? {
            orphaned |= object::forget(self, change, object)?;
        }
        Ok(orphaned)
    }

    /// Takes a block of this order off the lists, of which so many bytes are to have memory.
    fn take(&self, change: &mut Heap<'_>, order: u32, needed: usize) -> Result<Ref, Fault> {
        let free = &self.control().free;
        let mut from = loop {
            match (order..MOST).find(|order| named(&free[*order as usize]).is_some()) {
                Some(from) => break from,
                None => self.grow(change)?,
            }
        };
        let place = named(&free[from as usize]).ok_or(Fault::Overwritten)?;
        let hollow = match self.block(place)?.state() {
            Some(State::Free { order, hollow }) if order == from => hollow,
            _ => return Err(Fault::Overwritten),
        };
        if hollow {
            // A grain as a whole, for what is cut from it later, also when it was in use as one in between, has no look at this.
            self.reserve(place, if order <= GRAIN { 1 << GRAIN } else { needed })?;
        }
        self.unlist(change, place, from)?;
        while from > order {
            from -= 1;
            let half = place.buddy(from);
            let hollow = hollow && from >= GRAIN;
            if hollow {
                self.reserve(half, PAGE)?;
            }
            self.list(change, half, from, hollow)?;
        }
        change.put(&self.block(place)?.state, State::Used { order }.word())?;
        let used = &self.control().ledger.count;
        change.put(used, used.load(Relaxed).wrapping_add(1 << order))?;
        Ok(place)
    }

    /// Puts a block that is in use back, as one with what is free beside it: where that begins, and its order.
    fn put_back(&self, change: &mut Heap<'_>, mut place: Ref) -> Result<(Ref, u32), Fault> {
        let Some(State::Used { mut order }) = self.block(place)?.state() else {
            return Err(Fault::Overwritten);
        };
        let ledger = &self.control().ledger;
        change.put(&ledger.count, ledger.count.load(Relaxed).wrapping_sub(1 << order))?;
        // What was handed out as a large block may have had memory only as far as it was needed.
        let mut hollow = order > GRAIN;
        let all = ledger.table.load(Relaxed);
        while u64::from(order) < all {
            let buddy = place.buddy(order);
            match self.block(buddy)?.state() {
                Some(State::Free { order: same, hollow: its }) if same == order => {
                    self.unlist(change, buddy, order)?;
                    hollow |= its;
                }
                Some(_) => break,
                None => return Err(Fault::Overwritten),
            }
            place = place.lower(order);
            order += 1;
        }
        self.list(change, place, order, hollow || order >= LARGE)?;
        Ok((place, order))
    }

    /// Whoever is killed before it comes here leaves it to the next one.
    fn give_large_back(&self, (place, order): (Ref, u32)) {
        if order >= LARGE {
            self.give_back(place, PAGE, (1 << order) - PAGE);
        }
    }

    /// In the place of one who was killed and may have been about to: it does no harm to what has been given back already.
    #[cold]
    fn give_all_large_back(&self) -> Result<(), Fault> {
        for order in LARGE..=MOST {
            let mut next = named(&self.control().free[order as usize]);
            // No more than there can be: the list may have been overwritten.
            for _ in 0..1 << (MOST - order) {
                let Some(place) = next else { break };
                match self.block(place)?.state() {
                    Some(State::Free { order: its, hollow: true }) if its == order => {}
                    _ => return Err(Fault::Overwritten),
                }
                self.give_large_back((place, order));
                next = self.block(place)?.links().0;
            }
        }
        // What had been reserved for a block, before that was undone together with the growth that it took.
        let all = self.control().ledger.table.load(Relaxed);
        if all < GRAIN.into() {
            return Err(Fault::Overwritten);
        }
        if all < MOST.into() {
            self.give_back(Ref::ROOT, 1 << all, (1 << MOST) - (1 << all));
        }
        Ok(())
    }

    /// Doubles what there is: the new half is a free block.
    fn grow(&self, change: &mut Heap<'_>) -> Result<(), Fault> {
        let ledger = &self.control().ledger;
        let order = u32::try_from(ledger.table.load(Relaxed)).map_err(|_| Fault::Overwritten)?;
        if order >= MOST {
            return Err(Fault::Full);
        }
        if order < GRAIN {
            return Err(Fault::Overwritten);
        }
        let half = Ref::ROOT.buddy(order);
        self.reserve(half, PAGE)?;
        change.put(&ledger.table, u64::from(order) + 1)?;
        self.list(change, half, order, true)
    }

    /// Makes a block the first free one of its order.
    fn list(
        &self,
        change: &mut Heap<'_>,
        place: Ref,
        order: u32,
        hollow: bool,
    ) -> Result<(), Fault> {
        let head = self.control().free.get(order as usize).ok_or(Fault::Overwritten)?;
        let next = named(head);
        if let Some(next) = next {
            let detail = &self.block(next)?.detail;
            let (after, _) = self.block(next)?.links();
            change.put(detail, Block::links_word(after, Some(place)))?;
        }
        let block = self.block(place)?;
        change.put(&block.state, State::Free { order, hollow }.word())?;
        change.put(&block.detail, Block::links_word(next, None))?;
        change.put(head, place.word())
    }

    /// Takes a block out of the list of its order.
    fn unlist(&self, change: &mut Heap<'_>, place: Ref, order: u32) -> Result<(), Fault> {
        let (next, previous) = self.block(place)?.links();
        if let Some(next) = next {
            let (after, before) = self.block(next)?.links();
            if before != Some(place) {
                return Err(Fault::Overwritten);
            }
            change.put(&self.block(next)?.detail, Block::links_word(after, previous))?;
        }
        match previous {
            None => {
                let head = &self.control().free[order as usize];
                change.put(head, next.map_or(0, Ref::word))
            }
            Some(previous) => {
                let (_, before) = self.block(previous)?.links();
                change.put(&self.block(previous)?.detail, Block::links_word(next, before))
            }
        }
    }
}
