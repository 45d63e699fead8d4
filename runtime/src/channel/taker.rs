//! Taking: the first record, and the one store by which it is gone.
//!
//! Kill points: before the store of `head`, nothing has been taken. What is taken to be used in place, and levels that are left, take
//! two steps: `leaving` says first what `head` is about to be. Whoever finds that left by a dead one does the rest: so what
//! it was using is not given to anybody else, and its memory comes back.

use std::sync::atomic::Ordering::Acquire;

use super::control::garbled;
use super::core::Core;
use super::levels::{KEPT, LEVELS, size};
use super::memory::Span;
use super::record::{Kind, Record, stride};
use super::spot::Spot;
use crate::Result;
use crate::sync::gate::Inside;
use crate::sync::patience::Patience;
use crate::sync::raw::Refusal;

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
    next: Spot,
}

impl<T> Core<T> {
    /// Goes inside, and finishes what a dead one has left.
    #[inline]
    pub(crate) fn taker(&self, patience: Patience) -> Result<Result<Taker<'_, T>>, Refusal> {
        let take = &self.control.take;
        let inside = take.gate.enter(patience)?;
        Ok(take.head().and_then(|head| {
            let mut taker = Taker { core: self, head, at: head, left: 0, _inside: inside };
            if let Some(next) = take.leaving()? {
                taker.left = 1 << head.level & !(1 << next.level);
                taker.at = next;
                taker.leave();
            }
            Ok(taker)
        }))
    }
}

impl<T> Taker<'_, T> {
    /// The next record, if there is one.
    #[inline]
    pub(crate) fn look(&mut self) -> Result<Option<Found>> {
        // No way leads through more levels than there are.
        for _ in 0..2 * LEVELS {
            let core = self.core;
            let word = core.header(self.at)?.load(Acquire);
            if word == 0 {
                self.settle();
                return Ok(None);
            }
            let align = Core::<T>::ALIGN;
            let record = Record::from_word(word, self.at, align)
                .ok_or_else(|| garbled("at its beginning"))?;
            match record.kind {
                Kind::Wrap => self.at = self.at.start_of(self.at.level),
                Kind::Link => {
                    self.left |= 1 << self.at.level;
                    self.at = self.at.start_of(record.len);
                }
                kind => {
                    let Spot { level, offset, .. } = self.at;
                    let base = core.levels.base(level)?;
                    let span = Span::new(base, offset + align, record.len, size(level));
                    let next = self.at.beyond(1, stride(record.len, align));
                    return Ok(Some(Found { span, kind, next }));
                }
            }
        }
        Err(garbled("which leads in circles"))
    }

    /// Looks on behind this record. It is not gone before `settle`.
    #[inline]
    pub(crate) fn pass(&mut self, found: Found) {
        self.at = found.next;
    }

    /// All that was passed is gone, for everybody.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.left != 0 {
            self.core.control.take.set_leaving(Some(self.at));
            self.leave();
        } else if self.at != self.head {
            self.core.control.take.set_head(self.at);
            self.head = self.at;
        }
    }

    /// All that was passed is given to nobody else, but its memory stays as it is before `settle`.
    pub(crate) fn claim(&mut self) {
        self.core.control.take.set_leaving(Some(self.at));
    }

    /// Ends a `claim`.
    pub(crate) fn release(&mut self) {
        self.leave();
    }

    /// What is left to do when `leaving` has been written.
    #[cold]
    fn leave(&mut self) {
        for level in (0..LEVELS).filter(|level| self.left >> level & 1 != 0) {
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
    pub(crate) fn trim(&mut self) -> Result<()> {
        if size(self.at.level) <= KEPT || self.look()?.is_some() {
            return Ok(());
        }
        // Somebody who puts at this moment needs the memory.
        let Ok(putter) = self.core.putter(Patience::None) else { return Ok(()) };
        let led = putter?.lead_home(self.at)?;
        if led {
            self.look()?;
        }
        Ok(())
    }
}
