//! Handles on processes that never mean another process: pidfd_open(2), waitid(2), ioctl_pidfd(2).
//!
//! # Safety
//! The kernel fills a structure whose size is part of the request's number.
#![allow(unsafe_code, reason = "an ioctl that rustix does not know")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;

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

/// Whether a process has this number, as far as the kernel tells.
pub(crate) fn exists(pid: u32) -> Option<bool> {
    match process::test_kill_process(raw(pid)?) {
        Ok(()) | Err(Errno::PERM) => Some(true),
        Err(Errno::SRCH) => Some(false),
        Err(_) => None,
    }
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

/// Whether the process is a child of this one that has not been waited for.
pub(crate) fn is_own_child(pidfd: BorrowedFd<'_>) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    retry_on_intr(|| process::waitid(WaitId::PidFd(pidfd), look)).is_ok()
}

/// How somebody else's child has ended, as far as the kernel tells; `None` while it lives.
pub(crate) fn end_of_stranger(pidfd: BorrowedFd<'_>, pid: u32) -> Option<End> {
    if !super::poll::is_ready(pidfd) {
        return None;
    }
    // Its parent may wait for it between the first look and the second.
    let end = info(pidfd).or_else(|| zombie(pidfd, pid)).or_else(|| info(pidfd));
    Some(end.unwrap_or(End::Unknown))
}

/// From Linux 6.15 on: the status of one that has been waited for.
fn info(pidfd: BorrowedFd<'_>) -> Option<End> {
    /// `struct pidfd_info` in its first version.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        mask: u64,
        cgroup: u64,
        identities: [u32; 11],
        exit_code: i32,
    }
    const EXIT: u64 = 1 << 3;
    const GET_INFO: rustix::ioctl::Opcode = rustix::ioctl::opcode::read_write::<Info>(0xff, 11);
    let mut info = Info { mask: EXIT, ..Info::default() };
    // SAFETY: the number is that of PIDFD_GET_INFO, which reads and fills as many bytes as `Info` has; every value of
    // its fields is valid.
    let request = unsafe { rustix::ioctl::Updater::<GET_INFO, Info>::new(&mut info) };
    // SAFETY: as above; another descriptor than a pidfd refuses it.
    unsafe { rustix::ioctl::ioctl(pidfd, request) }.ok()?;
    (info.mask & EXIT != 0).then(|| End::of_raw(info.exit_code))
}

/// From `/proc`: the status of one that has not been waited for yet.
fn zombie(pidfd: BorrowedFd<'_>, pid: u32) -> Option<End> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = stat.rsplit_once(") ")?.1.trim_end().rsplit_once(' ')?.1.parse().ok()?;
    // Only if the number is still its own was that about it. To one that has ended, the signal means nothing.
    process::pidfd_send_signal(pidfd, process::Signal::CONT).ok()?;
    Some(End::of_raw(status))
}

impl End {
    /// From a status in the form of wait(2).
    fn of_raw(status: i32) -> Self {
        let status = std::process::ExitStatus::from_raw(status);
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signaled { signal, core_dumped: status.core_dumped() },
            (None, None) => Self::Unknown,
        }
    }
}
