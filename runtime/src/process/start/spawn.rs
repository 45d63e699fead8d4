//! The executable anew: nothing of this process but what the task is told.

use std::os::fd::OwnedFd;

use super::super::family::Born;
use super::super::{child, init, panic};
use super::handshake;
use crate::Result;
use crate::sys::standard;

/// Starts the executable again, ready for its task.
///
/// # Errors
/// Those of [`handshake::start`].
pub(crate) fn take() -> Result<Born> {
    handshake::start(init::Role::Process)
}

/// The new process's side.
pub(crate) fn run(socket: OwnedFd) -> ! {
    standard::close_input();
    panic::install_hook();
    child::live(socket)
}
