//! The words in front of an array's elements, which steer their use.
//!
//! | word | meaning | written by |
//! | --- | --- | --- |
//! | `lock` | who changes elements, or lends some | |
//! | `undo` | 0, or the number of the element that is being written, plus one: what it was stands behind this block | its holder |
//! | `changes` | odd while elements are being written; another number after that | its holder |
//! | `lent` | twice how often elements were lent, and one more while some may be | its holder |
//! | `returned` | another number after a piece has come back | anybody |
//!
//! Kill points: an element longer than a word is copied to behind this block, then named in `undo`, then written, then `undo` is 0
//! again. Whoever takes the lock and finds `undo` writes the old value back; killed in the middle of that, the next one does it again.
//! `lent` says that some may be before the kernel has it, and is cleared when the kernel says that nobody has any: killed in
//! between, it is one question too many.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
use std::time::Duration;

use crate::sync::raw::RawLock;
use crate::sys::futex;

/// A bit of `lent`.
const SOME: u64 = 1;

/// See the module.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct Control {
    pub(super) lock: RawLock,
    undo: AtomicU64,
    changes: AtomicU64,
    lent: AtomicU64,
    returned: AtomicU32,
}

impl Control {
    pub(super) const fn new() -> Self {
        Self {
            lock: RawLock::new(),
            undo: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            lent: AtomicU64::new(0),
            returned: AtomicU32::new(0),
        }
    }

    /// For the holder: which element was being written when a holder died, if any was.
    #[inline]
    pub(super) fn interrupted(&self) -> Option<usize> {
        usize::try_from(self.undo.load(Relaxed)).unwrap_or(usize::MAX).checked_sub(1)
    }

    /// For the holder: whether one died while it was writing.
    #[inline]
    pub(super) fn is_unfinished(&self) -> bool {
        (self.undo.load(Relaxed) | self.changes.load(Relaxed) & 1) != 0
    }

    /// For the holder: the old value of this element stands behind the block.
    #[inline(always)]
    pub(super) fn begin_element(&self, index: usize) {
        // Behind the copy of the old value, and before the new one.
        fence(Release);
        self.undo.store(index as u64 + 1, Relaxed);
        fence(Release);
    }

    /// For the holder: the element is written.
    #[inline(always)]
    pub(super) fn end_element(&self) {
        self.undo.store(0, Release);
    }

    /// For the holder: from now on readers see that elements are being written.
    #[inline]
    pub(super) fn begin_change(&self) {
        self.changes.store(self.changes.load(Relaxed) | 1, Relaxed);
        // Pairs with the fence in `is_unchanged`: who has read a new element sees this.
        fence(Release);
    }

    /// For the holder: elements were written.
    #[inline]
    pub(super) fn end_change(&self) {
        let now = (self.changes.load(Relaxed) | 1).wrapping_add(1);
        self.changes.store(now, Release);
    }

    /// What a reader without the lock remembers: nothing is lent, and nothing is being written. `None` when that is not so.
    #[inline(always)]
    pub(super) fn quiet(&self) -> Option<(u64, u64)> {
        let (changes, lent) = (self.changes.load(Acquire), self.lent.load(Acquire));
        (changes & 1 == 0 && lent & SOME == 0).then_some((changes, lent))
    }

    /// Whether all that was read since then is of one state.
    #[inline(always)]
    pub(super) fn is_unchanged(&self, (changes, lent): (u64, u64)) -> bool {
        fence(Acquire);
        self.changes.load(Relaxed) == changes && self.lent.load(Relaxed) == lent
    }

    /// The same for one word, which is always whole: how often elements were lent, if none is.
    #[inline(always)]
    pub(super) fn unlent(&self) -> Option<u64> {
        let lent = self.lent.load(Acquire);
        (lent & SOME == 0).then_some(lent)
    }

    /// Whether nothing has been lent since then.
    #[inline(always)]
    pub(super) fn is_unlent_since(&self, lent: u64) -> bool {
        fence(Acquire);
        self.lent.load(Relaxed) == lent
    }

    /// Whether some elements may be lent.
    #[inline(always)]
    pub(super) fn may_be_lent(&self) -> bool {
        self.lent.load(Relaxed) & SOME != 0
    }

    /// For the holder, before it lends some.
    pub(super) fn set_lent(&self) {
        let lent = (self.lent.load(Relaxed) | SOME).wrapping_add(2);
        self.lent.store(lent, SeqCst);
        // What is written in a piece comes after this: who has read some of it sees that something was lent.
        fence(SeqCst);
    }

    /// For the holder: none are.
    pub(super) fn set_all_returned(&self) {
        // What was written in pieces comes before this: their owners' locks, and ours, are ordered by the kernel and by `lock`.
        fence(SeqCst);
        self.lent.store(self.lent.load(Relaxed) & !SOME, Release);
    }

    /// Which return was the last one, for [`nap`](Self::nap).
    pub(super) fn returns(&self) -> u32 {
        self.returned.load(SeqCst)
    }

    /// Tells those who wait that a piece has come back.
    pub(super) fn ring(&self) {
        self.returned.fetch_add(1, SeqCst);
        futex::wake_all(&self.returned);
    }

    /// Sleeps until a piece has come back since then, and for at most so long.
    pub(super) fn nap(&self, returns: u32, time: Duration) {
        futex::wait(&self.returned, returns, time);
    }
}
