//! The lock behind `RwLock`: any number of readers up to the slots, or one writer, each with a word that the kernel
//! frees at its death.
//!
//! A reader takes a slot of its own (`slots`) and looks at `state`: two words that no other reader writes. A writer
//! takes the lock `writer`, claims the data in `state`, and then waits for one slot after the other.
//!
//! | `state`                | meaning, when nobody has `writer`       | meaning to the one who has it |
//! | ---------------------- | --- | --- |
//! | `0`                    | the data is sound                       | a reader has it, passing through |
//! | `CLAIMED`              | a writer died while it waited: no harm  | it waits for the readers to leave |
//! | `CLAIMED \| WRITING`   | a writer died while it wrote: doubt     | it writes |
//! | `WRITING`              | so, and a later writer lost patience    | |
//! | `DOUBTFUL`, with others| so, and a later writer left it in doubt | the data was in doubt when it came |
//!
//! Invariant 1: only the holder of `writer` writes `state`. Invariant 2: nobody writes data but one who has `writer`,
//! has set `CLAIMED`, and has after that seen each slot free. Invariant 3: whoever reads has a slot, and has after
//! taking it seen either no `CLAIMED` or no holder of `writer`, or was itself that holder, or had another hold of the
//! same slot.
//!
//! So the two exclude each other: taking a slot, claiming, and both looks are SeqCst, so that of a reader and a
//! writer at the same time at least one sees the other. A reader that sees a writer gives its slot back and queues
//! for `writer` as writers do, so that a stream of readers does not keep a writer waiting, nor one of writers a
//! reader. At its turn it takes a slot and passes `writer` on. A thread that reads already is the exception: it reads
//! at once, or writer and reader would wait for each other for ever. It counts in the slot that it has: in another
//! one, which the writer may have seen free already, it would not be seen.
//!
//! When there is no slot, a reader waits for one with `writer` in its hands: no others get past it, but none of them
//! could.
//!
//! Kills: a reader's slot and the writer's lock are freed by the kernel, which wakes one of those asleep on them. Of
//! the data nothing is said but by `WRITING`, so that it is in doubt only if the dead one had it to write. A claim
//! that nobody stands behind is seen as such by Invariant 3, and goes away with the next writer.

use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, compiler_fence};

use super::deadlock::{Call, Wait};
use super::patience::Patience;
use super::raw::{Held, RawLock, Refusal};
use super::slots::{SLOTS, Seat, Slots};
use super::spin::Spin;
use crate::sys::futex;
use crate::sys::robust::Kind;

/// A writer is there, or wants to be.
const CLAIMED: u32 = 1;
/// The writer can be in the middle of a change.
const WRITING: u32 = 2;
/// A writer died or panicked, and nobody has said since then that the data is sound.
const DOUBTFUL: u32 = 4;

/// Many readers or one writer. What readers only look at is on a cache line of its own.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct RawRwLock {
    state: AtomicU32,
    writer: RawLock,
    /// So that the slots, which readers write, begin on the next line.
    _fill: u64,
    readers: Slots,
}

const _: () = assert!(std::mem::offset_of!(RawRwLock, readers) == 64 - size_of::<u64>());

/// A read lock in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Of the slot; what else is to be known of it can be asked there.
    index: u32,
    /// Whether the data is in doubt, for as long as this is held.
    pub(crate) doubtful: bool,
}

/// The write lock in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing {
    held: Held,
    /// Whether the data was in doubt.
    pub(crate) doubtful: bool,
    /// Whether it was so because of the last one who wrote.
    pub(crate) recovered: bool,
}

impl Reading {
    #[inline]
    fn new(index: usize, doubtful: bool) -> Self {
        Self { index: index as u32, doubtful }
    }
}

impl RawRwLock {
    pub(crate) const fn new() -> Self {
        Self { state: AtomicU32::new(0), writer: RawLock::new(), _fill: 0, readers: Slots::new() }
    }

    /// Takes the lock to read, waiting as long as `patience` says.
    #[inline]
    pub(crate) fn read(&self, patience: Patience, call: Call) -> Result<Reading, Refusal> {
        match self.read_now() {
            Some(reading) => Ok(reading),
            None => self.read_contended(patience, call),
        }
    }

    /// Takes the lock to write, waiting as long as `patience` says.
    pub(crate) fn write(&self, patience: Patience, call: Call) -> Result<Writing, Refusal> {
        let held = match self.writer.lock(Patience::None) {
            Ok(held) => held,
            // Whoever has it may be waiting for this very thread.
            Err(Refusal::Busy) if self.readers.mine().is_some() => return Err(Refusal::Deadlock),
            Err(Refusal::Busy) => self.writer.lock_called(Kind::Guard, patience, call)?,
            Err(other) => return Err(other),
        };
        self.writer.begin_use();
        let before = self.state.load(Relaxed);
        // Pairs with the look of `admits`: it comes before this, or sees it.
        self.state.swap(before | CLAIMED, SeqCst);
        if let Err(refusal) = self.await_readers(patience, call) {
            self.state.store(before & !CLAIMED, Release);
            self.writer.unlock(held);
            return Err(refusal);
        }
        let doubtful = before & (WRITING | DOUBTFUL) != 0;
        let doubt = if doubtful { DOUBTFUL } else { 0 };
        self.state.store(CLAIMED | WRITING | doubt, Relaxed);
        // Killed in the middle of the first change: the word for it has been stored before.
        compiler_fence(SeqCst);
        Ok(Writing { held, doubtful, recovered: before & WRITING != 0 })
    }

    /// Gives a read lock back.
    #[inline]
    pub(crate) fn leave(&self, reading: Reading) {
        // In a forked copy of a reader this is the count of the original; both ways see that it is not theirs.
        let slot = self.slot(reading);
        if slot.depth().load(Relaxed) == 0 {
            give_back(slot);
        } else {
            leave_once(slot);
        }
    }

    /// Gives the write lock back; `sound` says that nothing has happened to the data since it was in doubt, if it
    /// was.
    pub(crate) fn end_write(&self, writing: Writing, sound: bool) {
        if self.writer.held_by_me().is_none() {
            return;
        }
        let doubt = self.state.load(Relaxed) & DOUBTFUL;
        // Release: pairs with the look of `admits`, and keeps what was written before the word that it is whole.
        self.state.store(if sound { doubt } else { DOUBTFUL }, Release);
        self.writer.unlock(writing.held);
    }

    /// Says that the data is sound; the writer's to say. Should it die before it gives the lock back, it was not.
    pub(crate) fn set_sound(&self) {
        let state = self.state.load(Relaxed);
        self.state.store(state & !DOUBTFUL, Release);
    }

    /// Whether the data is in doubt. For those who neither read nor write it is a guess.
    pub(crate) fn is_doubtful(&self) -> bool {
        let state = self.state.load(SeqCst);
        state & DOUBTFUL != 0 || (state & WRITING != 0 && self.writer.owner().is_none())
    }

    /// Who writes, if anybody does.
    pub(crate) fn writing(&self) -> Option<&RawLock> {
        let writing = self.state.load(SeqCst) & WRITING != 0 && self.writer.is_locked();
        writing.then_some(&self.writer)
    }

    /// How many read locks there are.
    pub(crate) fn count_readers(&self) -> usize {
        let held = self.readers.used().filter(|(_, slot)| slot.is_locked());
        let count = |slot: &RawLock| usize::try_from(slot.depth().load(Relaxed)).unwrap_or(0);
        held.map(|(_, slot)| count(slot).saturating_add(1)).fold(0, usize::saturating_add)
    }

    /// See [`RawLock::used_through`].
    #[inline]
    pub(crate) fn read_through<G>(&self, reading: Reading, guard: &G) {
        self.slot(reading).used_through(guard);
    }

    /// See [`RawLock::used_through`].
    #[inline]
    pub(crate) fn written_through<G>(&self, guard: &G) {
        self.writer.used_through(guard);
    }

    #[inline]
    fn slot(&self, reading: Reading) -> &RawLock {
        self.readers.get(reading.index as usize)
    }

    /// Takes the lock to read if no writer is in the way, and there is a slot.
    // A call, so that the rest is little enough to become a part of the caller; the answer fits into a register.
    #[inline(never)]
    fn read_now(&self) -> Option<Reading> {
        let index = self.sit_down()?;
        let doubtful = self.admits();
        if doubtful.is_none() {
            give_back(self.readers.get(index));
        }
        doubtful.map(|doubtful| Reading::new(index, doubtful))
    }

    /// Takes a slot, which does not mean yet that one may read.
    #[inline]
    fn sit_down(&self) -> Option<usize> {
        let Seat { index, .. } = self.readers.enter(Kind::Guard, SLOTS)?;
        let slot = self.readers.get(index);
        if slot.begin_use() {
            // The reader before died here, which does no harm.
            slot.set_doubtful(false);
        }
        if slot.depth().load(Relaxed) != 0 {
            slot.depth().store(0, Relaxed);
        }
        Some(index)
    }

    /// Whether one who has a slot may read, and if so, whether the data is in doubt.
    #[inline]
    fn admits(&self) -> Option<bool> {
        let state = self.state.load(SeqCst);
        if state == 0 {
            return Some(false);
        }
        if state & CLAIMED != 0 && self.writer.owner().is_some() {
            return None;
        }
        // Again: a writer may have left between the two looks. Another one that has come since waits for our slot.
        Some(self.state.load(SeqCst) & (WRITING | DOUBTFUL) != 0)
    }

    #[cold]
    fn read_contended(&self, patience: Patience, call: Call) -> Result<Reading, Refusal> {
        if let Some(index) = self.readers.mine() {
            let depth = self.readers.get(index).depth();
            depth.store(depth.load(Relaxed) + 1, Relaxed);
            let doubtful = self.state.load(SeqCst) & (WRITING | DOUBTFUL) != 0;
            return Ok(Reading::new(index, doubtful));
        }
        if self.writer.held_by_me().is_some() {
            return Err(Refusal::Deadlock);
        }
        let mut spin = Spin::new();
        while !matches!(patience, Patience::None) && spin.again() {
            if self.state.load(Relaxed) & CLAIMED == 0 {
                let Some(reading) = self.read_now() else { continue };
                spin.found();
                return Ok(reading);
            }
        }
        let turn = self.writer.lock_called(Kind::Guard, patience, call)?;
        let index = self.await_slot(patience);
        let doubtful = self.state.load(SeqCst) & (WRITING | DOUBTFUL) != 0;
        self.writer.unlock(turn);
        Ok(Reading::new(index.ok_or(Refusal::Busy)?, doubtful))
    }

    /// Waits for a slot, with `writer` in this thread's hands.
    fn await_slot(&self, patience: Patience) -> Option<usize> {
        loop {
            if let Some(index) = self.sit_down() {
                return Some(index);
            }
            let nap = patience.nap()?;
            let watched = self.readers.used().map(|(_, slot)| Some((slot.word(), slot.watch()?)));
            // None when one has become free meanwhile.
            if let Some(words) = watched.collect::<Option<Vec<_>>>() {
                futex::wait_any(&words, nap);
            }
        }
    }

    /// Waits until nobody reads any more, with a claim in place.
    fn await_readers(&self, patience: Patience, call: Call) -> Result<(), Refusal> {
        // SeqCst in both looks: the slots' words are read after the claim is in place (`admits`).
        if self.readers.used().all(|(_, slot)| slot.owner().is_none()) {
            return Ok(());
        }
        if self.readers.mine().is_some() {
            return Err(Refusal::Deadlock);
        }
        self.readers.used().try_for_each(|(_, slot)| await_reader(slot, patience, call))
    }
}

/// Gives a slot back, if it is this thread's.
#[inline]
fn give_back(slot: &RawLock) {
    if let Some(held) = slot.held_by_me() {
        slot.unlock(held);
    }
}

/// One of several holds of a slot goes.
#[cold]
fn leave_once(slot: &RawLock) {
    if slot.held_by_me().is_some() {
        slot.depth().fetch_sub(1, Relaxed);
    }
}

#[cold]
fn await_reader(slot: &RawLock, patience: Patience, call: Call) -> Result<(), Refusal> {
    let mut spin = Spin::new();
    let mut wait = Wait::new(Some(call));
    while slot.owner().is_some() {
        if matches!(patience, Patience::None) {
            return Err(Refusal::Busy);
        }
        if !spin.again() {
            let nap = patience.nap().ok_or(Refusal::Busy)?;
            if wait.is_vain(ptr::from_ref(slot).addr(), || slot.owner()) {
                return Err(Refusal::Cycle);
            }
            slot.doze(nap);
        }
    }
    spin.found();
    Ok(())
}
