//! Bytes too many for a packet: they travel as sealed memory behind a descriptor, so that a sender never waits for a reader.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;

use super::garbled;
use crate::sys::memfd;
use crate::{Error, Result};

/// Puts `bytes` into memory of their own.
pub(super) fn spill(bytes: &[u8]) -> io::Result<OwnedFd> {
    memfd::of_bytes("offspring-message", bytes)
}

/// The bytes that somebody says `memory` has, if it has as many, after those that came before them.
pub(super) fn take(before: &[u8], memory: &OwnedFd, expected: u64) -> Result<Vec<u8>> {
    // What is no memory has no seals; to read it could mean to wait for somebody.
    if !memfd::is_frozen(memory.as_fd()) {
        return Err(garbled("its body is not sealed memory"));
    }
    let extent = memfd::extent(memory.as_fd()).map_err(Error::system("read a message"))?;
    // A sparse file could claim any length; one that is filled has cost its sender as much.
    let filled = extent.len == expected && extent.len <= extent.reserved;
    let Some(len) = usize::try_from(expected).ok().filter(|_| filled) else {
        return Err(garbled("its body has another length than it says"));
    };
    let mut bytes = Vec::new();
    let room = before.len().saturating_add(len);
    bytes.try_reserve_exact(room).map_err(|_| Error::system("read a message")(Errno::NOMEM))?;
    bytes.extend_from_slice(before);
    memfd::append(memory, len, &mut bytes).map_err(Error::system("read a message"))?;
    Ok(bytes)
}
