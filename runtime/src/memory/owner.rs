//! Is the thread that a lock names still there, and in which process does it run?
//!
//! The kernel tells the lock itself when its owner dies, and neither a zombie nor a number given again can fool that. What is here
//! is for the cases that it cannot see: a lock outside all segments, one that an ended thread left to its process, or an owner
//! without a list. Only positive evidence of death counts: a zombie counts as dead, but a thread id that was given to another thread
//! since then counts as alive, and the lock stays locked until that one ends, too.

use std::fs;

use crate::sys::robust;

/// Whether the thread `tid` has certainly ended; if it is the leader of a process, whether the process has.
///
/// Right only within one pid namespace, which a family of processes shares.
pub(crate) fn is_gone(tid: u32) -> bool {
    if !robust::exists(tid) {
        return true;
    }
    // A zombie is still found by the kernel, but has run its last instruction. No /proc, no evidence.
    let stat = fs::read(format!("/proc/{tid}/stat")).unwrap_or_default();
    // The name before the state may contain anything, a closing parenthesis too: the last one ends it.
    let Some(name_ends) = stat.iter().rposition(|byte| *byte == b')') else {
        return false;
    };
    let mut fields = stat[name_ends + 1..].split(|byte| *byte == b' ').filter(|it| !it.is_empty());
    let ended = matches!(fields.next(), Some(b"Z" | b"X"));
    // A leader that ended before its other threads is a zombie in a living process. (`num_threads`, 17 fields on.)
    ended && matches!(fields.nth(16), Some(b"0" | b"1"))
}

/// The process that the thread `tid` belongs to, while it exists.
pub(crate) fn process_of(tid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok()
}
