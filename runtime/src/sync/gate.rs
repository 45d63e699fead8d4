//! A lock and a bell in one word: whoever gives the lock back tells those who sleep until somebody has been through.
//!
//! A queue has two of them. Who puts goes through one, and who waits for an item sleeps at it; for takers and room it is the
//! other one. There is no fence and no word besides: that somebody sleeps shows in the word that is written anyway.
//!
//! | word                     | meaning |
//! | ------------------------ | --- |
//! | as that of a [`RawLock`] | |
//! | free, with `WAITERS`     | somebody may be asleep, for the lock or at the bell |
//! | free, with `WAKING`      | all who sleep are to be woken, and whoever had the lock may not have done it yet |
//!
//! `WAKING` is the kernel's mark for a dead owner: both say that a wake-up is owed.
//!
//! Invariant 1: who sleeps at the bell has put `WAITERS` there, and then found nothing, and sleeps only while the word is what it
//! was then. Who has changed something and gives the lock back takes `WAITERS` away and puts `WAKING` there in one step: a sleeper that is not
//! asleep yet does not fall asleep, and the others are woken, all of them. Only after that does `WAKING` go.
//! Kill points: dead before that step, it has changed nothing, or the kernel marks the lock and wakes one. Dead after it: the kernel,
//! for whom the lock is pending, wakes one. Whoever is woken and finds `WAKING` wakes the rest, or takes the lock and has to when it
//! gives it back, since the next holder's word gets `WAITERS` for it.

use std::marker::PhantomData;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use super::patience::Patience;
use super::raw::{Held, OWNER_DIED as WAKING, RawLock, Refusal, TID_MASK, UNLOCKED, WAITERS};
use crate::sys::futex;
use crate::sys::robust::Kind;

/// See the module.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Gate(RawLock);

/// Somebody is inside; gone, it is out again, and all who slept look for themselves.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    held: Held,
    /// The lock belongs to this thread.
    _stays: PhantomData<*const ()>,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(RawLock::new())
    }

    /// Waits until nobody else is inside.
    #[inline(always)]
    pub(crate) fn enter(&self, patience: Patience) -> Result<Inside<'_>, Refusal> {
        let held = self.0.lock_as(Kind::Guard, patience)?;
        Ok(Inside { gate: self, held, _stays: PhantomData })
    }

    /// Whether this thread is inside.
    pub(crate) fn is_mine(&self) -> bool {
        self.0.held_by_me().is_some()
    }

    /// The word, to be slept on beside others with [`watch`](Self::watch).
    pub(crate) fn word(&self) -> &AtomicU32 {
        self.0.word()
    }

    /// Has whoever goes through from now on wake those who sleep at the bell; the word is then what is returned. Look after
    /// this whether there is any reason to sleep.
    pub(crate) fn watch(&self) -> u32 {
        let marked = |word| (word & WAITERS == 0).then_some(word | WAITERS);
        let (Ok(word) | Err(word)) = self.word().fetch_update(SeqCst, SeqCst, marked);
        word | WAITERS
    }

    /// Sleeps until somebody has been through since `is_vain` was asked, or one of the `others` is not what it was, and for at
    /// most `nap`; false says that the time ran out.
    ///
    /// Whoever was woken calls [`finish_waking`](Self::finish_waking) soon.
    pub(crate) fn sleep(
        &self,
        others: &[(&AtomicU32, u32)],
        is_vain: impl FnOnce() -> bool,
        nap: Duration,
    ) -> bool {
        let seen = self.watch();
        if !is_vain() {
            return true;
        }
        let woken = if others.is_empty() {
            futex::wait(self.word(), seen, nap)
        } else {
            let words: Vec<_> = others.iter().copied().chain([(self.word(), seen)]).collect();
            futex::wait_any(&words, nap)
        };
        if !woken {
            self.0.look_after();
        }
        woken
    }

    /// For one who has slept beside others and was not woken: sees after one inside of whose death nobody told.
    pub(crate) fn look_after(&self) {
        self.0.look_after();
    }

    /// Does what is left of a wake-up. Not at once: whoever was about to do it most likely has, after a moment.
    #[inline]
    pub(crate) fn finish_waking(&self) {
        if is_owed(self.word().load(Relaxed)) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        futex::wake_all(self.word());
        let done = |word| is_owed(word).then_some(word & !WAKING);
        let _ = self.word().fetch_update(SeqCst, Relaxed, done);
    }
}

/// Whether nobody is inside, and those who sleep are to be woken.
fn is_owed(word: u32) -> bool {
    word & WAKING != 0 && word & TID_MASK == 0
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let gate = self.gate;
        gate.0.unlock_by(self.held, |tid| {
            let word = gate.word();
            if word.compare_exchange(tid, UNLOCKED, SeqCst, Relaxed).is_err() {
                word.store(WAKING, SeqCst);
                gate.wake_all();
            }
        });
    }
}
