//! A change of a word, and the wake-up that belongs to it: with the kernel's help, both happen or neither.
//!
//! # Safety
//! The head of a thread's list lives as long as the thread, and what is here stays on its thread. The kernel finds the
//! announced word by its address, and a word that is borrowed is mapped.

#![allow(unsafe_code, reason = "the robust list is a contract in raw pointers with the kernel")]

use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, compiler_fence};

use super::robust::{FUTEX_OFFSET, Head, Link, find_head, known};

/// Has the kernel wake one sleeper of `word` should this thread die before the announcement is dropped, provided that the
/// lower 30 bits of the word are 0 then: so a change of a word that somebody sleeps on, and the wake-up that belongs
/// to it, happen both or not at all.
///
/// Async-signal-safe, and may interrupt the taking of a lock. Without a list it does nothing.
pub(crate) fn announce(word: &AtomicU32) -> Announcement<'_> {
    let thread = known();
    // Not `current`, which allocates, and a signal handler may have interrupted the allocator.
    let head = if thread.tid() == 0 { find_head() } else { thread.head };
    let before = NonNull::new(head).map(|head| {
        // The kernel looks for the word `FUTEX_OFFSET` from here, and reads nothing else.
        let node =
            ptr::from_ref(word).cast::<Link>().wrapping_byte_offset(-(FUTEX_OFFSET as isize));
        // SAFETY: the head lives as long as its thread, which is this one.
        let pending = &unsafe { head.as_ref() }.pending;
        let before = pending.load(Relaxed);
        pending.store(node.cast_mut(), Relaxed);
        Before { head, node: node.cast_mut(), pending: before }
    });
    compiler_fence(SeqCst);
    Announcement { before, _word: PhantomData }
}

/// See [`announce`].
#[must_use = "the announcement is over when this is dropped"]
#[derive(Debug)]
pub(crate) struct Announcement<'a> {
    before: Option<Before>,
    _word: PhantomData<&'a AtomicU32>,
}

/// What was announced before, which may have been interrupted by a signal handler, or be a lock that is held.
#[derive(Debug)]
struct Before {
    head: NonNull<Head>,
    node: *mut Link,
    pending: *mut Link,
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        compiler_fence(SeqCst);
        if let Some(before) = &self.before {
            // SAFETY: as above; it is the same thread, because pointers are not `Send`.
            let pending = &unsafe { before.head.as_ref() }.pending;
            // If it is another by now, a lock was used in between, and what was named before may have been given back.
            if pending.load(Relaxed) == before.node {
                pending.store(before.pending, Relaxed);
            }
        }
    }
}
