//! Taking: the first record, and the one store by which it is gone.
//!
//! Kill points: before the store of `head`, nothing has been taken. What is taken to be used in place, and levels that are left, take
//! two steps: `leaving` says first what `head` is about to be. Whoever finds that left by a dead one does the rest: so what
//! it was using is not given to anybody else, and its memory comes back.

use std::sync::atomic::Ordering::Acquire;

use super::core::Core;
use super::fault::{Fault, Where};
use super::levels::{KEPT, LEVELS, REAL, size};
use super::memory::Span;
use super::payload::is_raw;
use super::record::{Kind, Record, stride};
use super::spot::Spot;
use crate::sync::gate::Inside;
use crate::sync::patience::Patience;

/// One who is inside of the gate for taking.
#[derive(Debug)]
pub(crate) struct Taker<'a, T: 'static> {
    core: &'a Core<T>,
    /// What `head` is.
    head: Spot,
    /// How far this one has come.
    at: Spot,
    /// A bit for each level that was left on the way.
    left: u32,
    _inside: Inside<'a>,
}

/// A record that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

impl<T> Core<T> {
    /// For one who is inside of the gate; finishes what a dead one has left.
    #[inline(always)]
    pub(crate) fn taker<'a>(&'a self, inside: Inside<'a>) -> Taker<'a, T> {
        let head = self.control.take.head();
        let mut taker = Taker { core: self, head, at: head, left: 0, _inside: inside };
        if let Some(next) = self.control.take.leaving() {
            taker.left = 1 << head.level() & !(1 << next.level());
            taker.at = next;
            taker.leave();
        }
        taker
    }
}

impl<T> Taker<'_, T> {
    /// The next record, if there is one.
    #[inline(always)]
    pub(crate) fn look(&mut self) -> Result<Option<Found>, Fault> {
        let word = self.core.header(self.at)?.load(Acquire);
        if word == 0 {
            self.settle();
            return Ok(None);
        }
        match Record::from_word(word, self.at, Core::<T>::ALIGN) {
            Some(Record { kind, len }) if !matches!(kind, Kind::Wrap | Kind::Link) => {
                Ok(Some(self.found(kind, len)?))
            }
            _ => self.look_beyond(),
        }
    }

    /// `look`, from where the next record is elsewhere.
    #[cold]
    fn look_beyond(&mut self) -> Result<Option<Found>, Fault> {
        // No way leads through more levels than there are.
        for _ in 0..2 * LEVELS {
            let word = self.core.header(self.at)?.load(Acquire);
            if word == 0 {
                self.settle();
                return Ok(None);
            }
            let record = Record::from_word(word, self.at, Core::<T>::ALIGN)
                .ok_or(Fault::Garbled(Where::Beginning))?;
            match record.kind {
                Kind::Wrap => self.at = self.at.start_of(self.at.level()),
                Kind::Link => {
                    self.left |= 1 << self.at.level();
                    self.at = self.at.start_of(record.len);
                }
                kind => return Ok(Some(self.found(kind, record.len)?)),
            }
        }
        Err(Fault::Garbled(Where::Beginning))
    }

    #[inline(always)]
    fn found(&self, kind: Kind, len: usize) -> Result<Found, Fault> {
        let level = self.at.level();
        let base = self.core.levels.base(level)?;
        let span = Span::new(base, self.at.offset() + Core::<T>::ALIGN, len, size(level));
        let is_place = Core::<T>::is_place(self.at) && self.core.levels.can_hold(len);
        let span = span.filter(|_| is_place).ok_or(Fault::Garbled(Where::Beginning))?;
        // From another program, such bytes need not be a `T` of this one's (`payload`).
        if kind == Kind::Raw && !is_raw::<T>() && self.core.is_named() {
            return Err(Fault::Garbled(Where::Beginning));
        }
        Ok(Found { span, kind })
    }

    /// How many items were put before the record that was found last.
    pub(crate) fn number(&self) -> u32 {
        self.at.count()
    }

    /// Looks on behind this record, the last one that was found. It is not gone before `settle`.
    #[inline(always)]
    pub(crate) fn pass(&mut self, found: Found) {
        self.at = self.at.beyond(1, stride(found.span.len(), Core::<T>::ALIGN));
    }

    /// All that was passed is gone, for everybody.
    #[inline(always)]
    pub(crate) fn settle(&mut self) {
        if self.left != 0 {
            self.claim();
            self.leave();
        } else if self.at != self.head {
            self.core.control.take.set_head(self.at);
            self.head = self.at;
        }
    }

    /// All that was passed is given to nobody else, but its memory stays as it is before `leave`.
    pub(crate) fn claim(&mut self) {
        self.core.control.take.set_leaving(Some(self.at));
    }

    /// Ends a `claim`.
    #[cold]
    pub(crate) fn leave(&mut self) {
        for level in (0..REAL).filter(|level| self.left >> level & 1 != 0) {
            if size(level) > KEPT {
                self.core.levels.give_back(level);
            }
        }
        let take = &self.core.control.take;
        take.set_head(self.at);
        take.set_leaving(None);
        self.head = self.at;
        self.left = 0;
    }

    /// Goes back to level 0 and gives memory back, when there is nothing to be taken and much of it.
    pub(crate) fn trim(&mut self) -> Result<(), Fault> {
        if !self.core.control.has_large() || self.look()?.is_some() {
            return Ok(());
        }
        // Somebody who puts at this moment needs the memory.
        let Ok(inside) = self.core.control.put.gate.enter(Patience::None) else { return Ok(()) };
        let led = self.core.putter(inside).lead_home(self.at)?;
        if led {
            self.look()?;
        }
        Ok(())
    }
}
