//! New processes out of this one: raw clone(2) for the fork server, fork(2) for `StartMethod::Fork`.
//!
//! # Safety
//! Both give a child with this process's memory and only the calling thread; callers make sure
//! that no other thread runs whose locks the child would find held.
#![allow(unsafe_code, reason = "a process that is copied in mid-air is unsafe by nature")]

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::AtomicU32;

use rustix::io::{Errno, Result};

use super::robust;

/// On which side of a fork the caller finds itself.
pub(crate) enum Forked {
    /// The copy.
    Child,
    /// The original, with the copy's process id and a handle on it.
    Parent { pid: u32, pidfd: OwnedFd },
}

/// The knowledge that this process has one thread, which makes forking it safe.
///
/// It is as good as its keeper: nobody may start a thread while holding one.
pub(crate) struct Alone(PhantomData<*const ()>);

/// Why a process is not known to have one thread.
pub(crate) enum NotAlone {
    /// It has so many.
    Threads(usize),
    /// They cannot be counted.
    Unknown(io::Error),
}

impl Alone {
    /// Counts the threads.
    pub(crate) fn check() -> std::result::Result<Self, NotAlone> {
        const THREADS: &str = "/proc/self/task";
        let listed = std::fs::read_dir(THREADS).map_err(NotAlone::Unknown)?.count();
        if listed == 1 {
            return Ok(Self(PhantomData));
        }
        let threads = std::fs::read_dir(THREADS).map_err(NotAlone::Unknown)?.flatten();
        match threads.filter(|thread| !is_at_its_end(&thread.path())).count() {
            1 => Ok(Self(PhantomData)),
            threads => Err(NotAlone::Threads(threads)),
        }
    }

    /// Forks a sibling: a child of this process's own parent (`CLONE_PARENT`), which alone can wait
    /// for it.
    ///
    /// Raw clone skips what glibc's fork does for the child: its cached thread id is mended by
    /// `CLONE_CHILD_SETTID` with the address that the kernel knows from `PR_GET_TID_ADDRESS`, its
    /// robust list by registering the head again (see rust-lang/rust#82971 for the traps).
    ///
    /// The kernel notes the new process's id in `note` before either side runs on. An error after that
    /// means that the sibling is there but no descriptor was left to hold it by.
    pub(crate) fn fork_sibling(&self, note: &AtomicU32) -> Result<Forked> {
        robust::prepare();
        // A kernel without CONFIG_CHECKPOINT_RESTORE does not tell; then glibc's idea of the child's
        // thread id is the parent's, which only its error-checking mutexes look at.
        let tid_address = thread_id_address().unwrap_or(0);
        let flags = libc::CLONE_PARENT
            | libc::CLONE_PARENT_SETTID
            | if tid_address == 0 {
                0
            } else {
                libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID
            }
            | libc::SIGCHLD;
        // SAFETY: without CLONE_VM this is fork; both addresses are valid for the kernel's writes (an
        // atomic as it gives leave to write through it), and there is no other thread (`self`).
        match unsafe { raw_clone(flags, note.as_ptr(), tid_address) } {
            0 => {
                robust::renew_in_child();
                Ok(Forked::Child)
            }
            pid if pid > 0 => {
                let pid = pid as u32;
                // The number is the sibling's until the common parent, which does not know it yet,
                // waits for it.
                Ok(Forked::Parent { pid, pidfd: super::pidfd::open(pid)? })
            }
            _ => Err(last_error()),
        }
    }

    /// Forks a child of this process as it is now, with glibc's own fork and its handlers.
    pub(crate) fn fork(&self) -> Result<Forked> {
        // SAFETY: there is no other thread (`self`).
        match unsafe { libc::fork() } {
            0 => Ok(Forked::Child),
            pid if pid > 0 => {
                let pid = pid as u32;
                Ok(Forked::Parent { pid, pidfd: super::pidfd::adopt(pid)? })
            }
            _ => Err(last_error()),
        }
    }
}

/// Whether a thread, by its folder in `/proc`, has left its last line of code behind: one that was
/// joined is listed for a moment yet, which is no reason against a fork.
fn is_at_its_end(thread: &Path) -> bool {
    // The kernel sets it before it tells who joins, and user code never runs again (proc_pid_stat(5)).
    const PF_EXITING: u64 = 4;
    match std::fs::read_to_string(thread.join("stat")) {
        Ok(stat) => stat
            .rsplit_once(") ")
            .and_then(|(_, fields)| fields.split(' ').nth(6)?.parse::<u64>().ok())
            .is_some_and(|flags| flags & PF_EXITING != 0),
        Err(error) => {
            let gone = [Errno::NOENT, Errno::SRCH].map(|errno| Some(errno.raw_os_error()));
            gone.contains(&error.raw_os_error())
        }
    }
}

/// Whether no thread was ever started in this process, as glibc knows without a look around (2.32).
pub(crate) fn is_single_threaded() -> bool {
    unsafe extern "C" {
        static __libc_single_threaded: std::ffi::c_char;
    }
    // SAFETY: glibc defines it and changes it only from threads that start others.
    unsafe { __libc_single_threaded != 0 }
}

/// Ends this process at once: no destructors, no exit handlers, nothing flushed.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions and does not return.
    unsafe { libc::_exit(code) }
}

/// Has `handler` run when the process ends by returning from `main` or by `exit`.
pub(crate) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the handler is a function of this program that stays where it is. The call fails
    // only without memory for its list; then main's end does less for the children.
    unsafe { libc::atexit(handler) };
}

/// # Safety
/// As for fork; `noted` and `tid` must be valid for writes.
#[cfg(target_arch = "x86_64")]
unsafe fn raw_clone(flags: i32, noted: *mut u32, tid: usize) -> i64 {
    // SAFETY: the order of arguments on x86_64 is flags, stack, parent_tid, child_tid, tls
    // (clone(2)); the rest is the caller's.
    unsafe { libc::syscall(libc::SYS_clone, i64::from(flags), 0usize, noted, tid, 0usize) }
}

/// # Safety
/// As for fork; `noted` and `tid` must be valid for writes.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn raw_clone(flags: i32, noted: *mut u32, tid: usize) -> i64 {
    // SAFETY: everywhere else that we run on, tls comes before child_tid (clone(2)).
    unsafe { libc::syscall(libc::SYS_clone, i64::from(flags), 0usize, noted, 0usize, tid) }
}

fn thread_id_address() -> Result<usize> {
    let mut address = 0usize;
    // SAFETY: PR_GET_TID_ADDRESS writes one pointer to the given place (prctl(2)).
    let failed = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut address, 0, 0, 0) } != 0;
    if failed { Err(last_error()) } else { Ok(address) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
