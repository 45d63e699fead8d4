//! The standard streams and the environment of a process that is being set up.
//!
//! # Safety
//! The environment is changed only in a child with a single thread, before its task runs. A descriptor's owner
//! stays its owner whatever it leads to.
#![allow(unsafe_code, reason = "setenv is safe only while one thread runs")]

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, Result};

/// Makes the standard stream with this number (0 to 2) the given one.
pub(crate) fn replace(stream: usize, with: BorrowedFd<'_>) -> Result<()> {
    match stream {
        0 => rustix::stdio::dup2_stdin(with),
        1 => rustix::stdio::dup2_stdout(with),
        2 => rustix::stdio::dup2_stderr(with),
        _ => Err(Errno::BADF),
    }
}

/// Makes standard input empty.
pub(crate) fn close_input() {
    // Without /dev/null the stream stays what it is; there is nothing better to do.
    let _ = null().and_then(|null| replace(0, null.as_fd()));
}

/// Gives every closed standard stream to `/dev/null`, as std does before `main`, so that no later
/// descriptor is taken for one of them.
pub(crate) fn fill_closed() {
    for stream in 0..3 {
        if rustix::io::fcntl_getfd(borrowed(stream)) == Err(Errno::BADF)
            && let Ok(null) = null()
        {
            let _ = replace(stream, null.as_fd());
            if null.as_raw_fd() == stream as i32 {
                // It landed in the gap itself: it is the stream now, close-on-exec undone by dup2's
                // refusal to copy onto itself.
                let _ = rustix::io::fcntl_setfd(&null, rustix::io::FdFlags::empty());
                std::mem::forget(null);
            }
        }
    }
}

/// The parent's own standard stream with this number, if it is open.
pub(crate) fn current(stream: usize) -> Result<Option<OwnedFd>> {
    match rustix::io::fcntl_dupfd_cloexec(borrowed(stream), 3) {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(Errno::BADF) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which file a standard stream is.
pub(crate) fn identity(stream: usize) -> Option<(u64, u64)> {
    rustix::fs::fstat(borrowed(stream)).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

/// `/dev/null`, close-on-exec.
pub(crate) fn null() -> Result<OwnedFd> {
    open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

/// Moves a descriptor out of the range of the standard streams, where a program that has closed
/// one of them would otherwise write its output into it.
pub(crate) fn beyond(descriptor: OwnedFd) -> Result<OwnedFd> {
    if descriptor.as_raw_fd() > 2 {
        return Ok(descriptor);
    }
    rustix::io::fcntl_dupfd_cloexec(&descriptor, 3)
}

/// Makes a descriptor that is somebody's another one: who has the number has that from now on.
pub(crate) fn overwrite(descriptor: BorrowedFd<'_>, with: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the number stays open, and whose it is stays its owner: nothing is closed by it here.
    let mut same = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(descriptor.as_raw_fd()) });
    rustix::io::dup3(with, &mut same, rustix::io::DupFlags::CLOEXEC)
}

/// Sets and removes variables.
pub(crate) fn change_environment(changes: &[(OsString, Option<OsString>)]) {
    for (key, value) in changes {
        match value {
            // SAFETY: the caller is a child being set up: no other thread runs.
            Some(value) => unsafe { std::env::set_var(key, value) },
            // SAFETY: as above.
            None => unsafe { std::env::remove_var(key) },
        }
    }
}

/// A look at the descriptor with this number, if it is open.
pub(crate) fn is_open(number: i32) -> Option<BorrowedFd<'static>> {
    if number < 0 {
        return None;
    }
    // SAFETY: a number that is not open is only used to be told so.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(descriptor).is_ok().then_some(descriptor)
}

fn borrowed(stream: usize) -> BorrowedFd<'static> {
    // SAFETY: numbers 0 to 2 are only passed to calls that report a closed descriptor as EBADF.
    unsafe { BorrowedFd::borrow_raw(stream as i32) }
}
