//! Who has which elements for itself: asking the kernel, waiting for what is lent, lending, and taking over what was sent.
//!
//! Whoever waits for a piece is told when that comes back (`Control::ring`). Of a holder that died nobody tells, so that it looks
//! now and then, too.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::copies;
use super::core::{Core, Inside};
use crate::memory::Shareable;
use crate::sync::LockError;
use crate::sync::patience::Patience;
use crate::sys::{ranges, robust};
use crate::{Error, Result};

/// The first sleep without a look, and the longest.
const NAPS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(20));
/// How long the receiver of a piece waits until its sender has dropped it: it is about to, unless it kept it.
const DROPPED_WITHIN: Duration = Duration::from_secs(5);

/// The parts of an array that this process has for itself: first number and end of each.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// A copy of this process has none of them.
    generation: u32,
    ranges: BTreeMap<usize, usize>,
}

impl Own {
    fn has_any(&self, range: &Range<usize>) -> bool {
        // They do not overlap, so that the last one that begins in front of its end is the nearest.
        let nearest = self.ranges.range(..range.end).next_back();
        nearest.is_some_and(|(_, end)| *end > range.start)
    }

    pub(super) fn insert(&mut self, range: &Range<usize>) {
        if !range.is_empty() {
            self.ranges.insert(range.start, range.end);
        }
    }

    pub(super) fn remove(&mut self, range: &Range<usize>) {
        if !range.is_empty() {
            self.ranges.remove(&range.start);
        }
    }
}

/// An open file description of an array that has ranges of it, each of them for one piece.
#[derive(Debug)]
pub(super) struct Loan<T> {
    pub(super) core: Arc<Core<T>>,
    pub(super) descriptor: Arc<OwnedFd>,
    /// Of the process that has it; what a copy of that has is nothing.
    pub(super) generation: u32,
}

impl<T> Loan<T> {
    /// Whether this is the process that has it.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        robust::generation() == self.generation
    }

    /// Gives a range back, or to the one to whom `heir` was sent.
    pub(super) fn give_back(&self, range: &Range<usize>, heir: Option<&OwnedFd>) {
        if range.is_empty() || !self.is_here() {
            return;
        }
        // First: from the moment it is free, others may have it, this process too.
        self.core.own().remove(range);
        // `None` when this thread is inside already: nobody can come in between then either.
        let inside = heir.map(|_| self.core.enter_again());
        // It fails only when the kernel has no memory to split a range: then it is free when all of the loan is.
        let _ = ranges::unlock(&*self.descriptor, range);
        if let Some(heir) = heir {
            // Nobody else could take it since then. If this fails, the receiver takes it when nobody has it.
            let _ = ranges::lock(heir, range);
        }
        drop(inside);
        self.core.control().ring();
    }
}

/// Sleeps that grow, up to the end of patience.
struct Naps {
    patience: Patience,
    next: Duration,
}

impl Naps {
    fn new(patience: Patience) -> Self {
        Self { patience, next: NAPS.0 }
    }

    /// How long to sleep next; `None` when time is up.
    fn next(&mut self) -> Option<Duration> {
        let nap = self.next.min(self.patience.nap()?);
        self.next = (2 * self.next).min(NAPS.1);
        Some(nap)
    }
}

impl<T> Core<T> {
    /// What this process has for itself.
    pub(super) fn own(&self) -> MutexGuard<'_, Own> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = robust::generation();
        if own.generation != generation {
            *own = Own { generation, ranges: BTreeMap::new() };
        }
        own
    }

    /// A part of the range that is lent, as the kernel has it, if one is. Nothing is lent of a range without, while this thread is
    /// inside.
    fn taken(&self, range: &Range<usize>) -> Result<Option<Range<usize>>> {
        ranges::taken(&**self.descriptor(), range)
            .map_err(Error::system("ask who has a part of an array"))
    }

    /// The same question, where the answer is enough.
    pub(super) fn is_free(&self, range: &Range<usize>) -> Result<bool> {
        Ok(!self.control().may_be_lent() || self.taken(range)?.is_none())
    }

    /// Waits outside until nothing of the range is lent, if anything is.
    ///
    /// # Errors
    /// [`Error::Lent`] when this process has some of it, or patience has come to its end; those of `enter`.
    #[inline]
    pub(super) fn await_return<'a>(
        &'a self,
        inside: Inside<'a, T>,
        range: &Range<usize>,
        patience: Patience,
    ) -> Result<Inside<'a, T>> {
        if self.control().may_be_lent() {
            return self.await_lent(inside, range, patience);
        }
        Ok(inside)
    }

    #[cold]
    fn await_lent<'a>(
        &'a self,
        mut inside: Inside<'a, T>,
        range: &Range<usize>,
        patience: Patience,
    ) -> Result<Inside<'a, T>> {
        let mut naps = Naps::new(patience);
        loop {
            let returns = self.control().returns();
            if self.taken(&(0..self.len()))?.is_none() {
                self.control().set_all_returned();
                return Ok(inside);
            }
            if self.taken(range)?.is_none() {
                return Ok(inside);
            }
            if self.own().has_any(range) {
                return Err(Error::Lent { to_this_process: true });
            }
            let nap = naps.next().ok_or(Error::Lent { to_this_process: false })?;
            drop(inside);
            self.control().nap(returns, nap);
            inside = self.enter()?;
        }
    }

    /// Does this inside, with nothing of the range lent; this thread may be inside already.
    ///
    /// # Errors
    /// As for `await_return`; [`LockError::Deadlock`] when this thread is inside, and would have to wait.
    pub(super) fn with_all<R>(
        &self,
        range: &Range<usize>,
        patience: Patience,
        look: impl FnOnce() -> R,
    ) -> Result<R> {
        let Some(inside) = self.enter_again() else {
            let is_free = self.is_free(range)?;
            return if is_free { Ok(look()) } else { Err(Error::Lock(LockError::Deadlock)) };
        };
        let _inside = self.await_return(inside, range, patience)?;
        Ok(look())
    }

    /// How many elements of a range are lent.
    pub(super) fn count_lent(&self, range: Range<usize>) -> Result<usize> {
        let (mut count, mut left) = (0, vec![range]);
        while let Some(range) = left.pop() {
            if let Some(part) = self.taken(&range)? {
                count += part.len();
                let rest = [range.start..part.start, part.end..range.end];
                left.extend(rest.into_iter().filter(|rest| !rest.is_empty()));
            }
        }
        Ok(count)
    }
}

impl<T: Shareable> Core<T> {
    /// Lends a range to whoever has what this returns; waits until nobody else has any of it.
    ///
    /// # Errors
    /// As for `await_return`; those of the system.
    pub(super) fn lend(
        self: &Arc<Self>,
        range: &Range<usize>,
        patience: Patience,
    ) -> Result<Loan<T>> {
        let descriptor = copies::note(self.reopen()?);
        let inside = self.await_return(self.enter()?, range, patience)?;
        if !self.take(&descriptor, range)? {
            return Err(Error::Lent { to_this_process: false });
        }
        drop(inside);
        Ok(Loan { core: Arc::clone(self), descriptor, generation: robust::generation() })
    }

    /// Takes over a range that was sent: it is the description's behind `heir`, or will be when its sender has dropped the
    /// piece; or nobody has it.
    ///
    /// # Errors
    /// [`Error::Lent`] when the sender keeps it; those of the system.
    pub(super) fn inherit(
        self: &Arc<Self>,
        heir: &OwnedFd,
        range: &Range<usize>,
    ) -> Result<Loan<T>> {
        let descriptor = copies::note(self.reopen()?);
        let mut naps = Naps::new(Patience::Until(Instant::now() + DROPPED_WITHIN));
        loop {
            let inside = self.enter()?;
            let returns = self.control().returns();
            ranges::unlock(heir, range).map_err(Error::system("take over a part of an array"))?;
            if self.take(&descriptor, range)? {
                drop(inside);
                let core = Arc::clone(self);
                return Ok(Loan { core, descriptor, generation: robust::generation() });
            }
            drop(inside);
            let nap = naps.next().ok_or(Error::Lent { to_this_process: false })?;
            self.control().nap(returns, nap);
        }
    }

    /// For one who is inside: takes a range, unless somebody has some of it.
    fn take(&self, descriptor: &OwnedFd, range: &Range<usize>) -> Result<bool> {
        self.control().set_lent();
        let taken =
            ranges::lock(descriptor, range).map_err(Error::system("lend a part of an array"))?;
        if taken {
            self.own().insert(range);
        }
        Ok(taken)
    }
}
