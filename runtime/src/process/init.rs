//! The way in: a constructor of the executable that runs before `main`.
//!
//! In an ordinary start it only notes where the arguments are; that it ran at all tells `spawn` that
//! starting the executable again will lead here and not into the user's `main`. With the private
//! marker as first argument it never returns.
//!
//! # Safety
//! The constructor is a function pointer in `.init_array` with the signature with which glibc calls
//! those (argc, argv, envp). It runs after the C library is initialised and before any thread.
#![allow(unsafe_code, reason = "an entry in .init_array has no safe form")]

use std::ffi::{c_char, c_int};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::start::{server, spawn};
use crate::sys::{args, clone, image, socket, standard};
use crate::wire::frame::{self, Kind};

/// What an exec'ed process is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The fork server.
    Server,
    /// A process for one task.
    Process,
}

const MARKER: &str = "offspring!";

impl Role {
    /// What errors call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "fork server",
            Self::Process => "process",
        }
    }

    /// The first argument that leads here; padded, so that a process's name finds room in its place.
    pub(crate) fn marker(self, socket: BorrowedFd<'_>) -> String {
        let letter = if self == Self::Server { 's' } else { 'p' };
        format!("{:-<48}", format!("{MARKER}{letter}{}", socket.as_raw_fd()))
    }

    fn parse(first: &[u8]) -> Option<(Self, i32)> {
        let text = std::str::from_utf8(first).ok()?.strip_prefix(MARKER)?.trim_end_matches('-');
        let role = if text.starts_with('s') { Self::Server } else { Self::Process };
        Some((role, text.get(1..)?.parse().ok()?))
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn(c_int, *mut *mut c_char) = on_load;

extern "C" fn on_load(argc: c_int, argv: *mut *mut c_char) {
    if !image::contains(on_load as *const () as usize) {
        // In a shared library: starting the executable again would not lead here before `main`.
        return;
    }
    // SAFETY: glibc passes the program's own argc and argv to constructors.
    unsafe { args::remember(argc, argv) };
    if let Some((role, socket)) = args::first().and_then(|first| Role::parse(first.to_bytes())) {
        divert(role, socket);
    }
}

/// Becomes what the marker asks for, never to return.
fn divert(role: Role, socket: i32) -> ! {
    if socket < 3 || !socket::is_one(socket) {
        // Somebody else has put the marker there.
        clone::exit_now(2);
    }
    // SAFETY: the number was inherited for this process alone, and is open (just checked).
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: before `main` there is one thread and nobody who has read the arguments.
    unsafe { args::shift_and_detach(1) };
    let _ = rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC);
    standard::fill_closed();
    crate::sys::signal::ignore(libc::SIGPIPE);
    crate::sys::signal::report_stack_overflow();
    let build = image::build_id().to_ne_bytes();
    if frame::send(&socket, Kind::Hello, &build, &[], true).is_err() {
        clone::exit_now(0);
    }
    match role {
        Role::Server => server::run(socket),
        Role::Process => spawn::run(socket),
    }
}
