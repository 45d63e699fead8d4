//! The lock word that every lock of ours is built on: held by a thread, and free again when its process dies.
//!
//! | word                          | meaning |
//! | ----------------------------- | --- |
//! | `0`                           | free, nobody waits |
//! | `WAITERS`                     | free, somebody may be asleep |
//! | tid, with or without `WAITERS`| held by that thread |
//! | tid of a process's leader     | so, or left to the process by a thread that has ended |
//! | `OWNER_DIED`, ± `WAITERS`     | free since its owner died (written by the kernel) |
//!
//! These are the bits of glibc's robust mutexes and of the kernel, which when a thread dies walks the list of what it
//! held (`sys::robust`), replaces the tid by `OWNER_DIED`, keeps `WAITERS`, and wakes one sleeper. For a thread that ends in
//! a living process we do the same, but for what may be in use by way of a leaked guard: that is left to the leader.
//!
//! Invariant 1: a sleeper has seen the word with an owner and `WAITERS`. `WAITERS` goes away only when a wake-up found
//! nobody asleep, and whoever has slept takes the lock with it, so that a newcomer who slips in between wake-up and
//! waking still wakes the next one, and a woken sleeper that is killed takes nothing with it.
//! Invariant 2: `flags` are written only by the holder; the one who takes over from the dead sets `DOUBTFUL` before anything
//! else. A taker killed before that dies with the lock, and the kernel writes `OWNER_DIED` again.
//! Invariant 3: every sleep is at most [`NAP`](super::patience::NAP) long; then the sleeper looks again at word and owner. So a wake-up that
//! is lost in spite of all, or an owner that the kernel did not act for (that of a lock outside all segments, always),
//! costs time, and never hangs anyone.
//!
//! Orderings: taking is Acquire (and SeqCst, for those who take one lock and then look at another), giving back is Release, and they pair through the word. The kernel's store for a dead
//! owner comes after everything that owner did.
//!
//! # Safety
//! The calls into `sys::robust` want: a thread with a list, and a lock in a segment (a lock is "listed" if both are
//! true when it is taken); `begin` before anything else; `link` only by the one who has just taken the lock; `unlink` only by
//! the one who linked it (`Held` carries that from `take` to `unlock`, which compares thread and owner).

#![allow(unsafe_code, reason = "puts locks on the kernel's list of what a thread holds")]

use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

use super::deadlock::{Call, Wait};
use super::patience::Patience;
use super::spin::Spin;
use crate::memory::{owner, regions};
use crate::sys::futex;
use crate::sys::robust::{IN_USE, Kind, Links, Thread, current, known};
use crate::sys::stack;

/// The word of a free lock that nobody waits for.
pub(crate) const UNLOCKED: u32 = 0;
/// Somebody may be asleep.
pub(crate) const WAITERS: u32 = 0x8000_0000;
/// The owner died while it held the lock.
pub(crate) const OWNER_DIED: u32 = 0x4000_0000;
/// The owner.
pub(crate) const TID_MASK: u32 = 0x3fff_ffff;

/// A flag: a holder died or panicked, and nobody has said since then that the data is sound.
const DOUBTFUL: u32 = 1;

/// The lock lies in a segment, and can be on the kernel's list.
const IN_SEGMENT: usize = 1;

/// A lock in this thread's hands; giving it back wants to know what taking it found out.
///
/// In one number, because what is written in parts and read as a whole makes the processor wait: who took it (`Thread::serial`;
/// a copy of the guard in a forked child is not the holder), and flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held(u32);

impl Held {
    /// It is on the kernel's list.
    const LISTED: u32 = 1 << 31;
    /// It was taken from a dead owner.
    const RECOVERED: u32 = 1 << 30;
    /// Its thread was panicking already.
    const PANICKING: u32 = 1 << 29;

    #[inline]
    fn new(me: Thread, listed: bool, recovered: bool) -> Self {
        let listed = if listed { Self::LISTED } else { 0 };
        let recovered = if recovered { Self::RECOVERED } else { 0 };
        Self(me.serial() | listed | recovered)
    }

    /// The same, with a note whether its thread was panicking.
    #[inline]
    pub(crate) fn taken_panicking(self, panicking: bool) -> Self {
        if panicking { Self(self.0 | Self::PANICKING) } else { self }
    }

    #[inline]
    pub(crate) fn was_panicking(self) -> bool {
        self.0 & Self::PANICKING != 0
    }

    /// Whether the lock was free because its owner had died with it.
    pub(crate) fn recovered(self) -> bool {
        self.0 & Self::RECOVERED != 0
    }

    #[inline]
    fn is_listed(self) -> bool {
        self.0 & Self::LISTED != 0
    }

    #[inline]
    fn is_of(self, me: Thread) -> bool {
        self.0 & !(Self::LISTED | Self::RECOVERED | Self::PANICKING) == me.serial()
    }
}

/// Why a lock was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This thread holds it.
    Deadlock,
    /// Somebody else holds it, and patience is at its end.
    Busy,
    /// Its holder waits, by way of others perhaps, for this thread: `deadlock::found` has the circle. (Here it would cost
    /// those who take the lock at once: what is small is handed over in a register.)
    Cycle,
}

/// A lock without data. 40 bytes, the links where the kernel and glibc expect them.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawLock {
    word: AtomicU32,
    /// `DOUBTFUL`, `IN_USE`.
    flags: AtomicU32,
    /// Where this lock was found to be: 0 unknown, `IN_SEGMENT`, or its own address outside all segments. A lock
    /// that was moved into a segment does not have that address any more, so that moving needs no care.
    place: AtomicUsize,
    /// How often the holder has it beyond the first time, for the locks that count (re-entrant, shared).
    depth: AtomicU64,
    links: Links,
}

const _: () = assert!(std::mem::offset_of!(RawLock, links) == 24 && size_of::<RawLock>() == 40);

impl RawLock {
    pub(crate) const fn new() -> Self {
        Self {
            word: AtomicU32::new(UNLOCKED),
            flags: AtomicU32::new(0),
            place: AtomicUsize::new(0),
            depth: AtomicU64::new(0),
            links: Links::new(),
        }
    }

    /// Takes the lock, waiting as long as `patience` says. A dead owner's lock counts as free.
    #[inline]
    pub(crate) fn lock(&self, patience: Patience) -> Result<Held, Refusal> {
        self.lock_as(Kind::Guard, patience)
    }

    /// Takes the lock as what it is to stand for (`sys::held`).
    #[inline(always)]
    pub(crate) fn lock_as(&self, kind: Kind, patience: Patience) -> Result<Held, Refusal> {
        self.take(kind, patience, None)
    }

    /// Takes the lock on behalf of a call that is refused when it would wait for ever.
    #[inline(always)]
    pub(crate) fn lock_called(
        &self,
        kind: Kind,
        patience: Patience,
        call: Call,
    ) -> Result<Held, Refusal> {
        self.take(kind, patience, Some(call))
    }

    #[inline(always)]
    fn take(&self, kind: Kind, patience: Patience, call: Option<Call>) -> Result<Held, Refusal> {
        let me = current();
        if !(self.is_in_segment() && me.has_list()) {
            return self.take_unlisted(kind, patience, call);
        }
        // SAFETY: listed; `self` is borrowed until `end`, or by the lock taken, and unmapped only when that is given back.
        unsafe { me.begin(&self.links) };
        if self.word.compare_exchange(UNLOCKED, me.tid(), SeqCst, Relaxed).is_err() {
            return self.take_contended(kind, patience, call);
        }
        // SAFETY: listed, just taken, and begun.
        unsafe { me.link(&self.links, kind) };
        Ok(Held::new(me, true, false))
    }

    /// `take`, begun already, where the lock is not free.
    #[cold]
    fn take_contended(
        &self,
        kind: Kind,
        patience: Patience,
        call: Option<Call>,
    ) -> Result<Held, Refusal> {
        let me = current();
        // Dropped after the lock is on the list: what it does then is announced in the lock's place.
        let mut wait = Wait::new(call);
        match self.lock_contended(me.tid(), patience, &mut wait) {
            Ok(recovered) => {
                // SAFETY: listed, just taken, and begun.
                unsafe { me.link(&self.links, kind) };
                Ok(Held::new(me, true, recovered))
            }
            Err(refusal) => {
                // SAFETY: listed.
                unsafe { me.end() };
                Err(refusal)
            }
        }
    }

    /// `take`, where the kernel's list is out of reach.
    #[inline(never)]
    fn take_unlisted(
        &self,
        kind: Kind,
        patience: Patience,
        call: Option<Call>,
    ) -> Result<Held, Refusal> {
        let me = current();
        let free = self.word.compare_exchange(UNLOCKED, me.tid(), SeqCst, Relaxed).is_ok();
        let mut wait = Wait::new(call);
        let recovered = !free && self.lock_contended(me.tid(), patience, &mut wait)?;
        if self.is_in_segment() {
            me.note(&self.links, kind);
        }
        Ok(Held::new(me, false, recovered))
    }

    /// Gives the lock back, if `held` says that this very thread took it, and it still has it.
    #[inline(always)]
    pub(crate) fn unlock(&self, held: Held) {
        let me = known();
        if !self.is_held(held) {
            return;
        }
        if !held.is_listed() {
            return self.unlock_unlisted();
        }
        // SAFETY: listed; `self` is borrowed until `end` below.
        unsafe { me.begin(&self.links) };
        // SAFETY: this thread linked it when it took it, and still has it.
        unsafe { me.unlink(&self.links) };
        // The mark that somebody may be asleep stays, for whoever takes the lock next (Invariant 1).
        if self.word.fetch_sub(me.tid(), Release) != me.tid() {
            self.wake_one();
        }
        // SAFETY: listed.
        unsafe { me.end() };
    }

    /// Gives the lock back, if it is still this thread's, by way of `release`: that one frees the word, which holds the id
    /// that it gets and may have the mark of sleepers, and wakes whoever is to be woken.
    #[inline(always)]
    pub(crate) fn unlock_by(&self, held: Held, release: impl FnOnce(u32)) {
        let me = known();
        if !self.is_held(held) {
            return;
        }
        if held.is_listed() {
            // SAFETY: listed; `self` is borrowed until `end` below.
            unsafe { me.begin(&self.links) };
            // SAFETY: this thread linked it when it took it, and still has it.
            unsafe { me.unlink(&self.links) };
        } else if !me.has_list() {
            me.strike(&self.links);
        }
        // Killed in here after the word is free: the kernel, for whom the lock is pending, wakes a sleeper in our place.
        release(me.tid());
        if held.is_listed() {
            // SAFETY: listed.
            unsafe { me.end() };
        }
    }

    /// Gives a lock back that is a bell: the sleeper that is woken slept before it was taken, and the mark stays
    /// whether there was one or not, until somebody clears the word.
    pub(crate) fn ring(&self, held: Held) {
        self.unlock_by(held, |_| {
            self.word.store(WAITERS, Release);
            futex::wake(&self.word, 1);
        });
    }

    /// Whether `held` says that this very thread took the lock, and it still has it.
    #[inline]
    pub(crate) fn is_held(&self, held: Held) -> bool {
        let me = known();
        held.is_of(me) && self.word.load(Relaxed) & TID_MASK == me.tid()
    }

    #[inline(never)]
    fn unlock_unlisted(&self) {
        let me = current();
        if !me.has_list() {
            me.strike(&self.links);
        }
        if self.word.fetch_sub(me.tid(), Release) != me.tid() {
            self.wake_one();
        }
    }

    /// The word, to look at and to sleep on.
    #[inline]
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Who has the lock at this moment, if anybody has: a thread's id.
    #[inline]
    pub(crate) fn owner(&self) -> Option<u32> {
        let tid = self.word.load(SeqCst) & TID_MASK;
        (tid != 0).then_some(tid)
    }

    /// Marks that somebody is about to sleep until the holder gives the lock back or dies; the word to sleep on then
    /// holds what is returned. `None` when nobody has the lock.
    pub(crate) fn watch(&self) -> Option<u32> {
        let marked = |word| (word & TID_MASK != 0).then_some(word | WAITERS);
        self.word.fetch_update(SeqCst, SeqCst, marked).ok().map(|word| word | WAITERS)
    }

    /// As `watch`, also when nobody has the lock: whoever takes it takes the mark along. `None` when its owner died.
    pub(crate) fn watch_any(&self) -> Option<u32> {
        let mut word = self.word.load(SeqCst);
        while word & WAITERS == 0 {
            match self.word.compare_exchange(word, word | WAITERS, SeqCst, SeqCst) {
                Ok(_) => word |= WAITERS,
                Err(now) => word = now,
            }
        }
        (word & OWNER_DIED == 0).then_some(word)
    }

    /// Sees after an owner of whose death nobody told.
    pub(crate) fn look_after(&self) {
        let word = self.word.load(Relaxed);
        if word & TID_MASK != 0 && self.is_in_segment() {
            self.look_after_owner(word);
        }
    }

    /// Sleeps for at most `nap` while somebody has the lock, and sees after an owner of whose death nobody told.
    pub(crate) fn doze(&self, nap: Duration) {
        let Some(seen) = self.watch() else { return };
        if !futex::wait(&self.word, seen, nap) {
            self.look_after_owner(seen);
        }
    }

    /// The calling thread's hold of the lock, if it has it: for those who could not keep what taking it gave.
    #[inline]
    pub(crate) fn held_by_me(&self) -> Option<Held> {
        let me = current();
        if self.owner() != Some(me.tid()) {
            return None;
        }
        let listed = me.has_list() && self.is_in_segment();
        // What an ended thread left to its process is in the name of the leader, but not on its list.
        let mine = !listed || me.has_linked(ptr::from_ref(&self.links).addr());
        mine.then(|| Held::new(me, listed, false))
    }

    /// A count that the holder keeps here, for whatever it stands for.
    #[inline]
    pub(crate) fn depth(&self) -> &AtomicU64 {
        &self.depth
    }

    /// Whether somebody may be asleep since `watch`.
    pub(crate) fn is_watched(&self) -> bool {
        self.word.load(SeqCst) & WAITERS != 0
    }

    /// For the holder: who sleeps since `watch` need not hear of it when the lock is given back. Its death wakes them
    /// no more either; they look for themselves, and something else wakes them.
    pub(crate) fn unwatch(&self) {
        self.word.fetch_and(!WAITERS, Relaxed);
    }

    /// Whether its owner died, and nobody has taken it since then.
    pub(crate) fn is_orphaned(&self) -> bool {
        let word = self.word.load(SeqCst);
        word & OWNER_DIED != 0 && word & TID_MASK == 0
    }

    /// Whether a thread, alive or not, has the lock at this moment.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.word.load(Relaxed) & TID_MASK != 0
    }

    /// The process of the thread that has the lock.
    pub(crate) fn holder(&self) -> Option<u32> {
        match self.word.load(Relaxed) & TID_MASK {
            0 => None,
            tid => owner::process_of(tid),
        }
    }

    /// Whether the data is in doubt. The holder's to ask; for others it is a guess.
    #[inline]
    pub(crate) fn is_doubtful(&self) -> bool {
        self.flags.load(Relaxed) & DOUBTFUL != 0
    }

    /// Says whether the data is in doubt; the holder's to say (Invariant 2).
    pub(crate) fn set_doubtful(&self, doubtful: bool) {
        let others = self.flags.load(Relaxed) & !DOUBTFUL;
        // Release: what was mended is in place before anyone can see it called sound, even if the holder is
        // killed right here. The next holder is ordered by the word anyway.
        self.flags.store(if doubtful { others | DOUBTFUL } else { others }, Release);
    }

    /// For the holder, whose guard gives a reference to what the lock guards. A guard on its thread's stack is gone with the
    /// thread, and so is every reference that it gave. One elsewhere may have been leaked: then the lock must
    /// outlast the thread (`sys::robust::leave`).
    #[inline]
    pub(crate) fn used_through<G>(&self, guard: &G) {
        if !stack::holds(ptr::from_ref(guard).addr()) {
            self.set_in_use();
        }
    }

    #[cold]
    fn set_in_use(&self) {
        self.flags.store(self.flags.load(Relaxed) | IN_USE, Relaxed);
    }

    /// For the one who has just taken the lock: forgets how its predecessors used it, and says whether the data is in doubt.
    #[inline]
    pub(crate) fn begin_use(&self) -> bool {
        // One look for both in the common case.
        let flags = self.flags.load(Relaxed);
        if flags != 0 {
            self.flags.store(flags & DOUBTFUL, Relaxed);
        }
        flags & DOUBTFUL != 0
    }

    #[inline]
    pub(crate) fn is_in_segment(&self) -> bool {
        match self.place.load(Relaxed) {
            IN_SEGMENT => true,
            place if place == ptr::from_ref(self).addr() => false,
            _ => self.find_place(),
        }
    }

    #[cold]
    fn find_place(&self) -> bool {
        let address = ptr::from_ref(self).addr();
        let inside = regions::contain(address);
        self.place.store(if inside { IN_SEGMENT } else { address }, Relaxed);
        inside
    }

    /// Says whether the owner before had died.
    #[cold]
    fn lock_contended(
        &self,
        me: u32,
        patience: Patience,
        wait: &mut Wait,
    ) -> Result<bool, Refusal> {
        let mut spin = Spin::seldom();
        loop {
            let word = self.word.load(Relaxed);
            if word & TID_MASK == 0 {
                if let Some(died) = self.claim(word, me) {
                    spin.found();
                    return Ok(died);
                }
            } else if word & TID_MASK == me {
                return Err(Refusal::Deadlock);
            } else if matches!(patience, Patience::None) {
                return Err(Refusal::Busy);
            }
            // For the case that the lock is free in a moment: not when others queue for it.
            if word & WAITERS != 0 || !spin.again() {
                return self.lock_asleep(me, patience, wait);
            }
        }
    }

    fn lock_asleep(&self, me: u32, patience: Patience, wait: &mut Wait) -> Result<bool, Refusal> {
        // `WAITERS` once this thread has slept (Invariant 1).
        let mut slept = 0;
        loop {
            let word = self.word.load(Relaxed);
            if word & TID_MASK == 0 {
                match self.claim(word, me | slept) {
                    Some(died) => return Ok(died),
                    None => continue,
                }
            }
            let waited_for = word | WAITERS;
            if word != waited_for
                && self.word.compare_exchange(word, waited_for, Relaxed, Relaxed).is_err()
            {
                continue;
            }
            let nap = patience.nap().ok_or(Refusal::Busy)?;
            if wait.is_vain(ptr::from_ref(self).addr(), || self.owner()) {
                return Err(Refusal::Cycle);
            }
            if !futex::wait(&self.word, waited_for, nap) {
                self.look_after_owner(waited_for);
            }
            slept = WAITERS;
        }
    }

    /// Takes a lock that is free, with this word, by writing another, which has the mark of those who sleep if either
    /// has it. If it was free: whether its owner had died.
    fn claim(&self, free: u32, taken: u32) -> Option<bool> {
        let died = free & OWNER_DIED != 0;
        // Of the dead one's sleepers the kernel has woken only one, who may die as well.
        let taken = taken | if died { WAITERS } else { free & WAITERS };
        self.word.compare_exchange(free, taken, SeqCst, Relaxed).ok()?;
        if died {
            self.set_doubtful(true);
        }
        Some(died)
    }

    /// After a long sleep: does the kernel's work for an owner whose death it could not see (Invariant 3).
    fn look_after_owner(&self, word: u32) {
        // Outside all segments nobody else does it; a lock of a thread that has ended is free then too, unless what it
        // guards may be in use.
        let is_left = !self.is_in_segment() && self.flags.load(Relaxed) & IN_USE != 0;
        if !is_left && owner::is_gone(word & TID_MASK) {
            // If this fails, the lock has moved on in the meantime.
            let _ = self.word.compare_exchange(word, WAITERS | OWNER_DIED, Relaxed, Relaxed);
        }
    }

    /// The lock is free, and somebody may be asleep.
    #[cold]
    fn wake_one(&self) {
        // Killed before this line: the kernel, for whom the lock is pending, wakes a sleeper in our place.
        if futex::wake(&self.word, 1) == 0 {
            // Nobody sleeps. If somebody has taken the lock by now, the mark stays and costs one wake-up.
            let _ = self.word.compare_exchange(WAITERS, UNLOCKED, Relaxed, Relaxed);
        }
    }
}
