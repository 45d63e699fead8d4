//! Putting: room for a record, and the one store by which it is there.
//!
//! Kill points: what is written before the header's store is in memory that belongs to nobody, so that a death leaves nothing. After it
//! the record is there. Its place is beyond `tail` then, and the next one who puts finds it and moves `tail` on. The
//! word after a record is 0 before the record is there, so that nobody reads on into old bytes.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::control::garbled;
use super::core::Core;
use super::levels::{LEVELS, MOST, PIECE, size};
use super::memory::Span;
use super::record::{Kind, Record, stride};
use super::spot::Spot;
use crate::sync::gate::Inside;
use crate::sync::patience::Patience;
use crate::sync::raw::Refusal;
use crate::{Error, Result};

/// One who is inside of the gate for putting.
#[derive(Debug)]
pub(crate) struct Putter<'a, T: 'static> {
    core: &'a Core<T>,
    tail: Spot,
    _inside: Inside<'a>,
}

/// Why there is no place for a record.
#[derive(Debug)]
pub(crate) enum NoPlace {
    /// Not before something has been taken.
    Full,
    Failed(Error),
}

impl From<Error> for NoPlace {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Where a record may be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    at: Spot,
    /// Its payload.
    pub(crate) span: Span,
    /// What leads from the tail to it, if it is not there.
    jump: Option<Record>,
    next: Spot,
}

impl<T> Core<T> {
    /// Goes inside, and finishes what a dead one has left.
    #[inline]
    pub(crate) fn putter(&self, patience: Patience) -> Result<Result<Putter<'_, T>>, Refusal> {
        let inside = self.control.put.gate.enter(patience)?;
        Ok(self.control.put.tail().and_then(|tail| {
            let mut putter = Putter { core: self, tail, _inside: inside };
            if self.header(tail)?.load(Acquire) != 0 {
                putter.catch_up()?;
            }
            Ok(putter)
        }))
    }
}

impl<T> Putter<'_, T> {
    /// Moves on to behind what was committed by one who then died.
    #[cold]
    fn catch_up(&mut self) -> Result<()> {
        // One record, and what leads to it, or what leads home.
        for _ in 0..8 {
            let word = self.core.header(self.tail)?.load(Acquire);
            if word == 0 {
                self.core.control.put.set_tail(self.tail);
                return Ok(());
            }
            let record = Record::from_word(word, self.tail, Core::<T>::ALIGN)
                .ok_or_else(|| garbled("after its end"))?;
            self.tail = match record.kind {
                Kind::Wrap => self.tail.start_of(self.tail.level),
                Kind::Link => {
                    self.core.control.put.set_reserved(0);
                    self.tail.start_of(record.len)
                }
                _ => self.tail.beyond(1, stride(record.len, Core::<T>::ALIGN)),
            };
        }
        Err(garbled("after its end"))
    }

    /// A place for a record of `len` bytes.
    #[inline]
    pub(crate) fn place(&self, len: usize) -> Result<Place, NoPlace> {
        let put = &self.core.control.put;
        let stride = stride(len, Core::<T>::ALIGN);
        let seen = put.seen()?;
        if self.is_bounded_by(seen) {
            return self.place_looking(len);
        }
        match fit::<T>(self.tail, seen, stride) {
            Some(jump) => Ok(self.at(len, jump)?),
            None => self.place_looking(len),
        }
    }

    /// `place`, after a look at where those who take are.
    #[inline(never)]
    fn place_looking(&self, len: usize) -> Result<Place, NoPlace> {
        let control = &self.core.control;
        let seen = control.take.head()?;
        control.put.set_seen(seen);
        if self.is_bounded_by(seen) {
            return Err(NoPlace::Full);
        }
        match fit::<T>(self.tail, seen, stride(len, Core::<T>::ALIGN)) {
            Some(jump) => Ok(self.at(len, jump)?),
            None => self.grow(len, seen),
        }
    }

    #[inline]
    fn is_bounded_by(&self, seen: Spot) -> bool {
        let bound = self.core.control.bound;
        bound != 0 && self.tail.count_since(seen) >= bound
    }

    /// A place in the tail's level.
    #[inline]
    fn at(&self, len: usize, jump: Option<Record>) -> Result<Place> {
        let at = match jump {
            None => self.tail,
            Some(_) => self.tail.start_of(self.tail.level),
        };
        if at.level != 0 {
            self.reserve(at.offset + stride(len, Core::<T>::ALIGN) + Core::<T>::ALIGN)?;
        }
        self.place_at(at, len, jump)
    }

    #[inline]
    fn place_at(&self, at: Spot, len: usize, jump: Option<Record>) -> Result<Place> {
        let align = Core::<T>::ALIGN;
        let span =
            Span::new(self.core.levels.base(at.level)?, at.offset + align, len, size(at.level));
        Ok(Place { at, span, jump, next: at.beyond(1, stride(len, align)) })
    }

    /// Has memory for the first `end` bytes of the tail's level.
    #[inline]
    fn reserve(&self, end: usize) -> Result<()> {
        let end = end.min(size(self.tail.level));
        if end <= self.core.control.put.reserved() { Ok(()) } else { self.reserve_more(end) }
    }

    #[cold]
    fn reserve_more(&self, end: usize) -> Result<()> {
        let level = self.tail.level;
        let reserved = self.core.control.put.reserved();
        let end = end.next_multiple_of(PIECE).min(size(level));
        self.core.levels.reserve(level, reserved, end - reserved)?;
        self.core.control.put.set_reserved(end);
        Ok(())
    }

    /// A place in a larger level.
    #[cold]
    fn grow(&self, len: usize, seen: Spot) -> Result<Place, NoPlace> {
        let needed = stride(len, Core::<T>::ALIGN).saturating_add(Core::<T>::ALIGN);
        // So that more than one of them fits, if that can be. The head's level may be full of what was not taken yet.
        let above = (self.tail.level + 1..LEVELS).filter(|level| *level != seen.level);
        let fitting = |bytes: usize| above.clone().find(|level| size(*level) >= bytes);
        let level = fitting(needed.saturating_mul(2)).or_else(|| fitting(needed));
        let is_alone = self.tail.count_since(seen) == 0;
        let Some(level) = level.filter(|level| is_alone || size(*level) <= MOST) else {
            return Err(NoPlace::Full);
        };
        // What is reserved is said of the tail's level, which is another one in a moment, perhaps.
        self.core.control.put.set_reserved(0);
        let reserved = needed.next_multiple_of(PIECE).min(size(level));
        self.core.levels.reserve(level, 0, reserved)?;
        let jump = Record { kind: Kind::Link, len: level };
        Ok(self.place_at(self.tail.start_of(level), len, Some(jump))?)
    }

    /// Whether those who put wait for room.
    #[inline]
    pub(crate) fn is_bounded(&self) -> bool {
        self.core.control.bound != 0
    }

    /// From now on the record is there, for everybody; its payload has been written. Says how many were put before it.
    #[inline]
    pub(crate) fn commit(&mut self, place: Place, kind: Kind) -> Result<u32> {
        let core = self.core;
        let Place { at, span, jump, next } = place;
        core.header(next)?.store(0, Relaxed);
        let record = Record { kind, len: span.len() };
        // Release pairs with the Acquire in `Taker::look`: payload, and the 0 behind it.
        core.header(at)?.store(record.to_word(at), Release);
        if let Some(jump) = jump {
            core.header(self.tail)?.store(jump.to_word(self.tail), Release);
        }
        self.tail = next;
        core.control.put.set_tail(next);
        Ok(at.count)
    }

    /// Leads those who take back to level 0, if there is nothing for them here: `head` is where they are.
    pub(crate) fn lead_home(&mut self, head: Spot) -> Result<bool> {
        if self.tail != head || head.level == 0 {
            return Ok(false);
        }
        self.core.levels.give_back_unused(head.level);
        let home = head.start_of(0);
        self.core.control.put.set_seen(head);
        self.core.control.put.set_reserved(0);
        self.core.header(home)?.store(0, Relaxed);
        let link = Record { kind: Kind::Link, len: 0 };
        self.core.header(head)?.store(link.to_word(head), Release);
        self.tail = home;
        self.core.control.put.set_tail(home);
        Ok(true)
    }
}

/// Where `bytes` and the word after them have room in the tail's level, when those who take have come to `seen`, or further: at the
/// tail, or by a jump at the level's beginning.
#[inline]
fn fit<T: 'static>(tail: Spot, seen: Spot, bytes: usize) -> Option<Option<Record>> {
    let word = Core::<T>::ALIGN;
    let (size, at) = (size(tail.level), tail.offset);
    // Who is in another level has taken nothing of this one.
    let head = if seen.level == tail.level { seen.offset } else { 0 };
    // A record can be so long that this overflows.
    let after = at.checked_add(bytes)?.checked_add(word)?;
    let fits_here = if at < head {
        after <= head
    } else {
        after <= size || (after - word == size && head >= word)
    };
    if fits_here {
        return Some(None);
    }
    let wraps = at >= head && bytes + word <= head;
    wraps.then_some(Some(Record { kind: Kind::Wrap, len: 0 }))
}
