//! Sleeping on a word of shared memory, and waking its sleepers.
//!
//! Always the shared kind, never `PRIVATE`: sleepers and wakers are in different processes, and the wake-up that
//! the kernel sends for a dead owner is of the shared kind too.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

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
