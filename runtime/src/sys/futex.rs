//! Sleeping on a word of shared memory, and waking its sleepers.
//!
//! Always the shared kind, never `PRIVATE`: sleepers and wakers are in different processes, and the wake-up that
//! the kernel sends for a dead owner is of the shared kind too.
//!
//! # Safety
//! A half of a word is only handed to the kernel, by its address.

#![allow(unsafe_code, reason = "the kernel sleeps on words of 32 bits, and some of ours have 64")]

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec, Wait, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::{ClockId, clock_gettime};

/// The most words that can be slept on at once: the kernel's `FUTEX_WAITV_MAX`.
pub(crate) const WORDS_MAX: usize = 128;
/// So many or fewer are slept on at once in most cases.
const WORDS_FEW: usize = 8;
/// How long to sleep on one word of several where the kernel cannot wait for all of them (Linux before 5.16).
const BLIND: Duration = Duration::from_millis(5);

/// The lower and the upper half of a word, to be slept on.
pub(crate) fn halves(word: &AtomicU64) -> [&AtomicU32; 2] {
    let first: *mut u32 = word.as_ptr().cast();
    let places = if cfg!(target_endian = "little") { [0, 1] } else { [1, 0] };
    places.map(|place| {
        let half = first.wrapping_add(place);
        // SAFETY: aligned, inside `word`, and alive as long as it; nobody but the kernel reads it as 32 bits.
        unsafe { AtomicU32::from_ptr(half) }
    })
}

/// Sleeps while `word` holds `expected`, for at most `time`; false says that the time ran out.
///
/// True says only that there is something to look at: a wake-up, a changed word, or a signal.
pub(crate) fn wait(word: &AtomicU32, expected: u32, time: Duration) -> bool {
    let timeout = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    !matches!(futex::wait(word, Flags::empty(), expected, Some(&timeout)), Err(Errno::TIMEDOUT))
}

/// Wakes at most `count` sleepers, and says how many it woke.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
    // It fails only for an address that is not mapped, and `word` is a reference.
    futex::wake(word, Flags::empty(), count).unwrap_or(0)
}

/// Wakes everybody who sleeps on the word, or on it and others.
pub(crate) fn wake_all(word: &AtomicU32) {
    // The kernel counts in `int`, and would take more for a negative number.
    wake(word, i32::MAX.unsigned_abs());
}

/// Sleeps while each word holds what is expected of it, for at most `time`; false says that the time ran out.
///
/// True says only that there is something to look at. Of more than [`WORDS_MAX`] words, the rest is left out.
pub(crate) fn wait_any(words: &[(&AtomicU32, u32)], time: Duration) -> bool {
    if let [(word, expected)] = words {
        return wait(word, *expected, time);
    }
    // Few words are the common case, and clearing room for all takes as long as a system call.
    if words.len() <= WORDS_FEW {
        wait_for(&mut [Wait::new(); WORDS_FEW], words, time)
    } else {
        wait_for(&mut [Wait::new(); WORDS_MAX], words, time)
    }
}

fn wait_for(waits: &mut [Wait], words: &[(&AtomicU32, u32)], time: Duration) -> bool {
    let count = words.len().min(waits.len());
    for (wait, (word, expected)) in waits.iter_mut().zip(words) {
        wait.val = u64::from(*expected);
        wait.uaddr = WaitPtr::new(word.as_ptr().cast());
        wait.flags = WaitFlags::SIZE_U32;
    }
    let waits = &waits[..count];
    let end = monotonic_end(time);
    match futex::waitv(waits, WaitvFlags::empty(), Some(&end), ClockId::Monotonic) {
        Err(Errno::TIMEDOUT) => false,
        Err(Errno::NOSYS | Errno::PERM) => {
            let Some((word, expected)) = words.first() else { return false };
            wait(word, *expected, time.min(BLIND));
            true
        }
        _ => true,
    }
}

/// The instant so far from now, as the kernel counts.
fn monotonic_end(time: Duration) -> Timespec {
    let now = clock_gettime(ClockId::Monotonic);
    let end = Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
    .saturating_add(time);
    Timespec {
        tv_sec: i64::try_from(end.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(end.subsec_nanos()),
    }
}
