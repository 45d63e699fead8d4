//! Starting the program's own executable again: posix_spawn(3) of `/proc/self/exe`.
//!
//! posix_spawn neither copies the caller's memory nor runs code of ours between fork and exec, so
//! its cost does not grow with the parent and other threads do not matter.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;

/// The magic link to the running executable: it works also when the file was replaced or deleted.
const OWN_EXECUTABLE: &CStr = c"/proc/self/exe";

/// Starts this executable with `first` before its own arguments, and with `inherited` open under
/// the same number as here.
pub(crate) fn again(first: &str, inherited: BorrowedFd<'_>) -> nix::Result<(u32, OwnedFd)> {
    let arguments: Vec<CString> = std::iter::once(OsString::from(first))
        .chain(std::env::args_os())
        .map(|argument| c_string(argument.into_vec()))
        .collect();
    let environment: Vec<CString> =
        std::env::vars_os().map(|(key, value)| variable(&key, &value)).collect();

    let mut actions = PosixSpawnFileActions::init()?;
    // Copying a descriptor onto itself clears close-on-exec in the new process only (glibc 2.29).
    actions.add_dup2(inherited.as_raw_fd(), inherited.as_raw_fd())?;
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    attributes.set_sigmask(&SigSet::empty())?;

    let pid = posix_spawn(OWN_EXECUTABLE, &actions, &attributes, &arguments, &environment)?;
    let pid = pid.as_raw().unsigned_abs();
    let pidfd = super::pidfd::adopt(pid).map_err(|error| Errno::from_raw(error.raw_os_error()))?;
    Ok((pid, pidfd))
}

/// Whether `/proc` is there to start from.
pub(crate) fn is_possible() -> bool {
    rustix::fs::access("/proc/self/exe", rustix::fs::Access::EXISTS).is_ok()
}

fn variable(key: &OsStr, value: &OsStr) -> CString {
    c_string([key.as_bytes(), b"=", value.as_bytes()].concat())
}

/// Arguments and variables came from C strings, so that a NUL can only be the end.
fn c_string(mut bytes: Vec<u8>) -> CString {
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    CString::new(bytes).unwrap_or_default()
}
