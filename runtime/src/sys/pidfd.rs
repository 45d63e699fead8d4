//! Handles on processes that never mean another process: pidfd_open(2), waitid(2).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, Result, retry_on_intr};
use rustix::process::{self, Pid, PidfdFlags, WaitId, WaitIdOptions};

use super::standard;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Exited(i32),
    /// By this signal, with or without a core dump.
    Signaled { signal: i32, core_dumped: bool },
    /// Somebody else has taken the status: `waitpid(-1)` elsewhere in the program, or an ignored
    /// SIGCHLD.
    Unknown,
}

/// Opens a handle on a process; not yet waited-for children cannot be mistaken.
pub(crate) fn open(pid: u32) -> Result<OwnedFd> {
    standard::beyond(process::pidfd_open(raw(pid).ok_or(Errno::SRCH)?, PidfdFlags::empty())?)
}

/// Opens a handle on a new child; without one (no descriptor left) the child is ended and reaped.
pub(crate) fn adopt(pid: u32) -> Result<OwnedFd> {
    open(pid).inspect_err(|_| {
        reap_number(pid);
    })
}

/// Ends and reaps a child of which only the number is known; it is its own until it is waited for.
pub(crate) fn reap_number(pid: u32) {
    if let Some(child) = raw(pid) {
        let _ = process::kill_process(child, process::Signal::KILL);
        let _ = retry_on_intr(|| process::waitid(WaitId::Pid(child), WaitIdOptions::EXITED));
    }
}

fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Sends a signal; a process that has ended is left in peace.
pub(crate) fn signal(pidfd: impl AsFd, signal: i32) -> Result<()> {
    let Some(signal) = process::Signal::from_named_raw(signal) else {
        return Err(Errno::INVAL);
    };
    match process::pidfd_send_signal(pidfd, signal) {
        Err(Errno::SRCH) => Ok(()),
        other => other,
    }
}

/// Takes the status of a child that has ended; `None` while it lives.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> Result<Option<End>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    match retry_on_intr(|| process::waitid(WaitId::PidFd(pidfd), options)) {
        Ok(None) => Ok(None),
        Ok(Some(status)) => Ok(Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => End::Exited(code),
            (None, Some(signal)) => End::Signaled { signal, core_dumped: status.dumped() },
            (None, None) => End::Unknown,
        })),
        // Not ours to wait for (any more). Whether it has ended is for poll to say.
        Err(Errno::CHILD) if super::poll::is_ready(pidfd) => Ok(Some(End::Unknown)),
        Err(Errno::CHILD) => Ok(None),
        Err(error) => Err(error),
    }
}
