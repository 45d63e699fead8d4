//! Bytes too many for a packet: they travel as sealed memory behind a descriptor, so that a sender never waits for a reader.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;

use super::garbled;
use crate::sys::memfd;
use crate::{Error, Result};

/// Puts `bytes` into memory of their own.
pub(super) fn spill(bytes: &[u8]) -> io::Result<OwnedFd> {
    memfd::of_bytes("offspring-message", bytes)
}

/// Bytes that came like that: as many as the kernel says there are.
#[derive(Debug)]
pub(super) struct Rest {
    memory: OwnedFd,
    len: usize,
}

impl Rest {
    /// The bytes that somebody says `memory` has, if it has as many.
    pub(super) fn of(memory: OwnedFd, expected: u64) -> Result<Self> {
        // What is no memory has no seals; to read it could mean to wait for somebody.
        if !memfd::is_frozen(memory.as_fd()) {
            return Err(garbled("its body is not sealed memory"));
        }
        let extent = memfd::extent(memory.as_fd()).map_err(Error::system("read a message"))?;
        // A sparse file could claim any length; one that is filled has cost its sender as much.
        let filled = extent.len == expected && extent.len <= extent.reserved;
        match usize::try_from(expected) {
            Ok(len) if filled => Ok(Self { memory, len }),
            _ => Err(garbled("its body has another length than it says")),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All bytes, after those that came before them.
    pub(super) fn after(&self, before: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let room = before.len().saturating_add(self.len);
        bytes.try_reserve_exact(room).map_err(|_| Error::system("read a message")(Errno::NOMEM))?;
        bytes.extend_from_slice(before);
        memfd::append(&self.memory, self.len, &mut bytes)
            .map_err(Error::system("read a message"))?;
        Ok(bytes)
    }

    /// Fills `room`, which is as long.
    pub(super) fn copy_to(&self, room: &mut [u8]) -> Result<()> {
        memfd::read_exact_at(&self.memory, room, 0).map_err(Error::system("read a message"))
    }

    /// Fills `room`, which is as long, to its end; that is what `Ok` means.
    pub(super) fn fill(&self, room: &mut [MaybeUninit<u8>]) -> Result<()> {
        memfd::fill(&self.memory, room).map_err(Error::system("read a message"))
    }
}
