//! Putting: room for a record, and the one store by which it is there.
//!
//! Kill points: what is written before the header's store is in memory that belongs to nobody, so that a death leaves nothing. After it
//! the record is there. Its place is beyond `tail` then, and the next one who puts finds it and moves `tail` on. The
//! word after a record is 0 before the record is there, so that nobody reads on into old bytes.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::control::Limit;
use super::core::Core;
use super::fault::{Fault, Where};
use super::levels::{KEPT, MOST, PIECE, REAL, size};
use super::memory::Span;
use super::record::{Kind, Record, stride};
use super::spot::{ITEMS_MAX, Spot};
use crate::sync::gate::Inside;

/// Lines of cache come from those who take, one at a time, if they are asked for only when they are written; so they are asked for
/// when the tail is so many bytes before them.
const AHEAD: usize = 2048;

/// One who is inside of the gate for putting.
#[derive(Debug)]
pub(crate) struct Putter<'a, T: 'static> {
    core: &'a Core<T>,
    tail: Spot,
    _inside: Inside<'a>,
}

/// Where a record may be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    at: Spot,
    /// Its payload.
    pub(crate) span: Span,
    /// What leads from the tail to it, if it is not there.
    jump: Option<Record>,
}

impl Place {
    /// How many items were put before what is put here.
    pub(crate) fn number(&self) -> u32 {
        self.at.count()
    }
}

impl<T> Core<T> {
    /// For one who is inside of the gate.
    #[inline(always)]
    pub(crate) fn putter<'a>(&'a self, inside: Inside<'a>) -> Putter<'a, T> {
        Putter { core: self, tail: self.control.put.tail(), _inside: inside }
    }

    /// Moves on to behind what was committed by one who then died.
    #[cold]
    fn catch_up(&self, mut tail: Spot) -> Result<Spot, Fault> {
        let garbled = Fault::Garbled(Where::End);
        let put = &self.control.put;
        put.set_limit(Limit::NOWHERE);
        // One record and what leads to it, or what leads home.
        for _ in 0..8 {
            let word = self.header(tail)?.load(Acquire);
            if word == 0 {
                put.set_tail(tail);
                return Ok(tail);
            }
            let record = Record::from_word(word, tail, Self::ALIGN).ok_or(garbled)?;
            tail = match record.kind {
                Kind::Wrap => tail.start_of(tail.level()),
                Kind::Link => {
                    put.set_reserved(0);
                    tail.start_of(record.len)
                }
                _ => tail.beyond(1, stride(record.len, Self::ALIGN)),
            };
        }
        Err(garbled)
    }
}

impl<T> Putter<'_, T> {
    pub(crate) fn is_closed(&self) -> bool {
        self.core.control.is_closed()
    }

    /// A place for a record of `len` bytes, after what a dead one has left has been finished.
    ///
    /// [`Fault::Full`] when those who put wait for room, [`Fault::Maximum`] when they do not.
    #[inline(always)]
    pub(crate) fn place(&mut self, len: usize) -> Result<Place, Fault> {
        let limit = self.core.control.put.limit();
        let end = self.tail.offset().saturating_add(stride(len, Core::<T>::ALIGN));
        if end + Core::<T>::ALIGN > limit.offset
            || self.tail.count() == limit.count
            || self.core.header(self.tail)?.load(Acquire) != 0
        {
            return self.place_looking(len);
        }
        if end + AHEAD < limit.offset {
            self.core.levels.prefetch(self.tail.level(), end + AHEAD);
        }
        self.place_at(self.tail, len, None)
    }

    /// `place`, after a look at where those who take are.
    #[inline(never)]
    fn place_looking(&mut self, len: usize) -> Result<Place, Fault> {
        if self.core.header(self.tail)?.load(Acquire) != 0 {
            self.tail = self.core.catch_up(self.tail)?;
        }
        let control = &self.core.control;
        let head = control.take.head();
        let count = self.tail.count_since(head);
        if count > ITEMS_MAX {
            return Err(Fault::Garbled(Where::End));
        }
        if count >= control.most() {
            return Err(if control.bound == 0 { Fault::Maximum } else { Fault::Full });
        }
        if len > size(REAL - 1) {
            return Err(Fault::Maximum);
        }
        // Who is in another level has taken nothing of this one.
        let start = if head.level() == self.tail.level() { head.offset() } else { 0 };
        let (at, size) = (self.tail.offset(), size(self.tail.level()));
        let stride = stride(len, Core::<T>::ALIGN);
        let with_word = stride + Core::<T>::ALIGN;
        let end = if at < start { start } else { size };
        if at + with_word <= end {
            self.reserve(at + with_word)?;
            self.renew_limit(end, head);
            return self.place_at(self.tail, len, None);
        }
        // The word after the last record of a level is the first one of it.
        if at >= start && at + stride == size && start >= Core::<T>::ALIGN {
            self.reserve(size)?;
            control.put.set_limit(Limit::NOWHERE);
            return self.place_at(self.tail, len, None);
        }
        if at >= start && with_word <= start {
            self.reserve(with_word)?;
            control.put.set_limit(Limit::NOWHERE);
            let wrap = Record { kind: Kind::Wrap, len: 0 };
            return self.place_at(self.tail.start_of(self.tail.level()), len, Some(wrap));
        }
        self.grow(len, head)
    }

    /// The tail may come to `end`, as far as there is memory, and those who take have come to `head`.
    fn renew_limit(&self, end: usize, head: Spot) {
        let control = &self.core.control;
        let end = if self.tail.level() == 0 { end } else { end.min(control.put.reserved()) };
        let count = head.count_after(control.most());
        control.put.set_limit(Limit { offset: end, count });
    }

    #[inline(always)]
    fn place_at(&self, at: Spot, len: usize, jump: Option<Record>) -> Result<Place, Fault> {
        let level = at.level();
        let payload = at.offset() + Core::<T>::ALIGN;
        let span = Span::new(self.core.levels.base(level)?, payload, len, size(level));
        let span = span.filter(|_| Core::<T>::is_place(at)).ok_or(Fault::Garbled(Where::End))?;
        Ok(Place { at, span, jump })
    }

    /// Has memory for the first `end` bytes of the tail's level.
    fn reserve(&self, end: usize) -> Result<(), Fault> {
        let level = self.tail.level();
        let reserved = self.core.control.put.reserved();
        if level != 0 && end > reserved {
            // Whoever comes here anew, or after a death, does not know how much there is; but what lies before the tail is there.
            if reserved < self.tail.offset() && !self.core.levels.has(self.tail.offset()) {
                return Err(Fault::Garbled(Where::End));
            }
            let end = end.next_multiple_of(PIECE).min(size(level));
            self.core.levels.reserve(level, reserved, end - reserved)?;
            self.core.control.put.set_reserved(end);
        }
        Ok(())
    }

    /// A place in a larger level.
    #[cold]
    fn grow(&self, len: usize, head: Spot) -> Result<Place, Fault> {
        let align = Core::<T>::ALIGN;
        let needed = stride(len, align) + align;
        // So that more than one of them fits, if that can be. The head's level may be full of what was not taken yet.
        let above = (self.tail.level() + 1..REAL).filter(|level| *level != head.level());
        let fitting = |bytes: usize| above.clone().find(|level| size(*level) >= bytes);
        let level = fitting(needed.saturating_mul(2)).or_else(|| fitting(needed));
        let is_alone = self.tail.count_since(head) == 0;
        let level = level.filter(|level| is_alone || size(*level) <= MOST);
        let waits = self.core.control.bound != 0 && !is_alone;
        let level = level.ok_or(if waits { Fault::Full } else { Fault::Maximum })?;
        // What is reserved is said of the tail's level, which is another one in a moment, perhaps.
        self.core.control.put.set_limit(Limit::NOWHERE);
        self.core.control.put.set_reserved(0);
        // Before it has some, so that what a dead one has reserved in vain is given back one day.
        if size(level) > KEPT {
            self.core.control.set_large(true);
        }
        let reserved = needed.next_multiple_of(PIECE).min(size(level));
        self.core.levels.reserve(level, 0, reserved)?;
        let jump = Record { kind: Kind::Link, len: level };
        self.place_at(self.tail.start_of(level), len, Some(jump))
    }

    /// From now on the record is there, for everybody; its payload has been written.
    #[inline(always)]
    pub(crate) fn commit(&mut self, place: Place, kind: Kind) -> Result<(), Fault> {
        let core = self.core;
        let Place { at, span, jump } = place;
        let next = at.beyond(1, stride(span.len(), Core::<T>::ALIGN));
        core.header(next)?.store(0, Relaxed);
        let record = Record { kind, len: span.len() };
        // Release pairs with the Acquire in `Taker::look`: payload, and the 0 behind it.
        core.header(at)?.store(record.to_word(at), Release);
        if let Some(jump) = jump {
            core.header(self.tail)?.store(jump.to_word(self.tail), Release);
        }
        self.tail = next;
        core.control.put.set_tail(next);
        Ok(())
    }

    /// Gives large levels' memory back, and leads those who take home to level 0 if they are in such a one, if there is nothing for
    /// them here: `head` is where they are. Whether they are led.
    pub(crate) fn lead_home(&mut self, head: Spot) -> Result<bool, Fault> {
        if self.core.header(self.tail)?.load(Acquire) != 0 {
            self.tail = self.core.catch_up(self.tail)?;
        }
        if self.tail != head {
            return Ok(false);
        }
        self.core.levels.give_back_unused(head.level());
        if size(head.level()) <= KEPT {
            self.core.control.set_large(false);
            return Ok(false);
        }
        let home = head.start_of(0);
        self.core.control.put.set_limit(Limit::NOWHERE);
        self.core.control.put.set_reserved(0);
        self.core.header(home)?.store(0, Relaxed);
        let link = Record { kind: Kind::Link, len: 0 };
        self.core.header(head)?.store(link.to_word(head), Release);
        self.tail = home;
        self.core.control.put.set_tail(home);
        Ok(true)
    }
}
