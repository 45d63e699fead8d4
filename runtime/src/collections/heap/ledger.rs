//! A lock, and a journal of what its holder changes, so that the next one finds the state of before or of after.
//!
//! The method is an undo log: the old words go into the log, then the change is made, then one store says that it counts. (PMDK's
//! libpmemobj does so for memory that outlives power; the design papers call it an undo journal.) A killed process is not a power failure, though: what its
//! instructions had stored is seen by everybody, so that nothing needs to be flushed, and the order of the stores is all.
//!
//! | `sequence` | meaning |
//! | ---------- | --- |
//! | even       | nobody is in the middle of a change; what is in the log means nothing |
//! | odd        | somebody is: the first `end` words of the log say how to undo it |
//!
//! The same word is the readers' sequence lock: who finds it even and the same before and after copying has copied one state.
//!
//! A record of the log is the old words and, behind them, where they belong, so that it is read from its end.
//!
//! Invariant 1: while `sequence` is odd, each word that has been changed since it became so is in the log, with all words of its record
//! written before `end` covers them, and `end` stored before the word is changed.
//! Invariant 2: `spare` names a block that nothing else leads to, or none. An operation allocates into it, and swaps it with
//! what the collection leads to as a part of its change; whoever comes after a dead holder frees it. So no block is lost.
//! The heap's own change comes first: the word that names a block may be that of an unfinished one (`Arena::mend`).
//! Kill points: dead with an even `sequence`, nothing has happened or all of it has; with an odd one, the next holder undoes
//! it. One who dies while undoing has changed nothing that undoing again would not write again.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use super::arena::Arena;
use crate::collections::fault::Fault;
use crate::sync::deadlock::Call;
use crate::sync::patience::Patience;
use crate::sync::raw::{Held, RawLock};
use crate::sys::robust::Kind;

/// See the module. The first line of cache is all that most readers see.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Ledger<const LOG: usize> {
    lock: RawLock,
    sequence: AtomicU64,
    /// For what the ledger is about: where its items are,
    pub(crate) table: AtomicU64,
    /// and how many.
    pub(crate) count: AtomicU64,
    /// See Invariant 2.
    pub(crate) spare: AtomicU64,
    /// The same, for a block whose words name others that go with it.
    pub(crate) deep: AtomicU64,
    /// How many words of the log are written.
    end: AtomicU64,
    log: [AtomicU64; LOG],
}

/// Somebody has the lock, and what is behind it is whole.
#[derive(Debug)]
pub(crate) struct Inside<'a, const LOG: usize> {
    ledger: &'a Ledger<LOG>,
    held: Held,
    /// The lock belongs to this thread.
    _stays: PhantomData<*const ()>,
}

/// A change under way: gone without [`commit`](Self::commit), it is undone.
#[derive(Debug)]
pub(crate) struct Change<'a, const LOG: usize> {
    ledger: &'a Ledger<LOG>,
    arena: &'a Arena,
    end: usize,
    open: bool,
}

/// What a reader has seen of the sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance(u64);

impl<const LOG: usize> Ledger<LOG> {
    pub(crate) const fn new() -> Self {
        Self {
            lock: RawLock::new(),
            sequence: AtomicU64::new(0),
            table: AtomicU64::new(0),
            count: AtomicU64::new(0),
            spare: AtomicU64::new(0),
            deep: AtomicU64::new(0),
            end: AtomicU64::new(0),
            log: [const { AtomicU64::new(0) }; LOG],
        }
    }

    /// Takes the lock; after a holder's death, undoes what it had begun, and has `mend` do what is left to do.
    #[inline(always)]
    pub(crate) fn enter<'a>(
        &'a self,
        arena: &Arena,
        call: Call,
        mend: impl FnOnce(&Inside<'a, LOG>) -> Result<(), Fault>,
    ) -> Result<Inside<'a, LOG>, Fault> {
        let held = self.lock.lock_called(Kind::Guard, Patience::Endless, call)?;
        let inside = Inside { ledger: self, held, _stays: PhantomData };
        if self.lock.is_doubtful() {
            self.recover(arena, &inside, mend)?;
        }
        Ok(inside)
    }

    /// The holder before has died. Killed in here: the lock says so again, and all of this is done again.
    #[cold]
    #[inline(never)]
    fn recover<'a>(
        &self,
        arena: &Arena,
        inside: &Inside<'a, LOG>,
        mend: impl FnOnce(&Inside<'a, LOG>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.roll_back(arena)?;
        // Also where nothing was under way: what was being taken back word by word may not have come to the readers' notice.
        self.sequence.fetch_add(2, Release);
        mend(inside)?;
        self.lock.set_doubtful(false);
        Ok(())
    }

    #[cold]
    fn roll_back(&self, arena: &Arena) -> Result<(), Fault> {
        let sequence = self.sequence.load(Acquire);
        if sequence.is_multiple_of(2) {
            return Ok(());
        }
        let log = &self.log;
        let mut end = usize::try_from(self.end.load(Relaxed)).map_err(|_| Fault::Overwritten)?;
        while end > 0 {
            let (first, count) = unpack(log.get(end - 1).ok_or(Fault::Overwritten)?.load(Relaxed));
            let start = (end - 1).checked_sub(count).ok_or(Fault::Overwritten)?;
            let words = arena.words(first, count).ok_or(Fault::Overwritten)?;
            for (word, old) in words.iter().zip(&log[start..]) {
                word.store(old.load(Relaxed), Relaxed);
            }
            end = start;
        }
        self.sequence.store(sequence.wrapping_add(1), Release);
        Ok(())
    }

    /// For a reader: the sequence before it looks, unless a change is under way.
    #[inline(always)]
    pub(crate) fn glance(&self) -> Option<Glance> {
        // Pairs with the Release in `commit`.
        let sequence = self.sequence.load(Acquire);
        sequence.is_multiple_of(2).then_some(Glance(sequence))
    }

    /// Whether nothing has changed since then: what was copied in between is of one moment.
    #[inline(always)]
    pub(crate) fn is_still(&self, glance: Glance) -> bool {
        // Pairs with the fence in `open`: who copied a word of a change sees that it has begun.
        fence(Acquire);
        self.sequence.load(Relaxed) == glance.0
    }
}

impl<'a, const LOG: usize> Inside<'a, LOG> {
    /// Begins a change.
    #[inline(always)]
    pub(crate) fn change(&self, arena: &'a Arena) -> Change<'a, LOG> {
        Change { ledger: self.ledger, arena, end: 0, open: false }
    }

    /// Out again: what dropping does, in line.
    #[inline(always)]
    pub(crate) fn leave(self) {
        let this = ManuallyDrop::new(self);
        this.ledger.lock.unlock(this.held);
    }

    /// Readers that are copying look again. For a change of one word, made already, that needs no journal.
    #[inline(always)]
    pub(crate) fn tell_readers(&self) {
        let sequence = &self.ledger.sequence;
        // Release: who sees words that are written after this sees this, by way of the fence.
        sequence.store(sequence.load(Relaxed).wrapping_add(2), Release);
        fence(Release);
    }
}

impl<const LOG: usize> Drop for Inside<'_, LOG> {
    #[inline(always)]
    fn drop(&mut self) {
        self.ledger.lock.unlock(self.held);
    }
}

impl<const LOG: usize> Change<'_, LOG> {
    /// Notes a word that is about to be changed.
    #[inline(always)]
    pub(crate) fn note(&mut self, word: &AtomicU64) -> Result<(), Fault> {
        self.note_all(std::slice::from_ref(word))
    }

    /// Notes words that are about to be changed. They lie in the arena.
    #[inline(always)]
    pub(crate) fn note_all(&mut self, words: &[AtomicU64]) -> Result<(), Fault> {
        let (count, ledger) = (words.len(), self.ledger);
        let place = self.end + count;
        if place >= LOG {
            return Err(Fault::Overwritten);
        }
        for (old, word) in ledger.log[self.end..place].iter().zip(words) {
            old.store(word.load(Relaxed), Relaxed);
        }
        let first = self.arena.index_of(words);
        ledger.log[place].store(pack(first, count), Relaxed);
        self.end = place + 1;
        if self.open {
            self.cover();
        }
        Ok(())
    }

    /// From now on what was noted is changed. (What is noted after this counts as soon as it is.)
    #[inline(always)]
    pub(crate) fn open(&mut self) {
        self.cover();
        let sequence = &self.ledger.sequence;
        sequence.store(sequence.load(Relaxed) | 1, Relaxed);
        // Pairs with the fence in `is_still`, and keeps what is changed after the word that says so (Invariant 1).
        fence(Release);
        self.open = true;
    }

    #[inline(always)]
    fn cover(&self) {
        fence(Release);
        self.ledger.end.store(self.end as u64, Relaxed);
        // The next stores are those of what was noted, or of the sequence.
        fence(Release);
    }

    /// Changes a word that was noted.
    #[inline(always)]
    pub(crate) fn set(&self, word: &AtomicU64, value: u64) {
        word.store(value, Relaxed);
    }

    /// Notes a word and changes it.
    pub(crate) fn put(&mut self, word: &AtomicU64, value: u64) -> Result<(), Fault> {
        self.note(word)?;
        self.set(word, value);
        Ok(())
    }

    /// All of it counts.
    #[inline(always)]
    pub(crate) fn commit(mut self) {
        let sequence = &self.ledger.sequence;
        // Pairs with the Acquire in `glance`; and for the kernel's sake: what was changed is there before.
        sequence.store((sequence.load(Relaxed) | 1).wrapping_add(1), Release);
        self.open = false;
    }
}

impl<const LOG: usize> Drop for Change<'_, LOG> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.open {
            // It fails only when somebody else has written to the log; then the sequence stays odd, and readers are refused.
            let _ = self.ledger.roll_back(self.arena);
        }
    }
}

/// Where words are, and how many.
fn pack(first: u64, count: usize) -> u64 {
    first << 32 | count as u64
}

fn unpack(record: u64) -> (u64, usize) {
    (record >> 32, (record & u64::from(u32::MAX)) as usize)
}
