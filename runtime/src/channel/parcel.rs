//! Handles inside of a queue's items: they stay with whoever put the item, and are fetched from there by whoever takes it.
//!
//! ```text
//! count | pid | start time | for each: number, device, inode | the item, as the codec writes it
//! ```
//! Memory has no room for descriptors. So the list says where they are open, and how to tell that it is still they; the process that put
//! the item keeps them open until the item has been taken, or until its end. After that they cannot be had any more, which is
//! an error for whoever takes the item.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::fault::{Fault, Where};
use crate::sys::foreign::{self, Name, Owner};
use crate::{Error, Result};

/// Descriptors kept for items that were put by handles that are gone.
static KEPT: Mutex<Vec<Arc<OwnedFd>>> = Mutex::new(Vec::new());

/// What one handle keeps open, with the number of the item that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Vec<(u32, Vec<Arc<OwnedFd>>)>>);

impl Outbox {
    /// Keeps a parcel until the item has been taken; lets go of those for which `is_gone`.
    pub(crate) fn keep(&self, item: u32, parcel: Vec<Arc<OwnedFd>>, is_gone: impl Fn(u32) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(item, _)| !is_gone(*item));
        all.push((item, parcel));
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let all = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !all.is_empty() {
            let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend(all.into_iter().flat_map(|(_, parcel)| parcel));
        }
    }
}

/// Appends the list of these descriptors.
pub(crate) fn write_list(parcel: &[Arc<OwnedFd>], bytes: &mut Vec<u8>) -> Result<()> {
    let failed = || Error::system("name a descriptor for another process");
    let owner = foreign::own().map_err(failed())?;
    bytes.extend_from_slice(&(parcel.len() as u32).to_ne_bytes());
    bytes.extend_from_slice(&owner.pid.to_ne_bytes());
    bytes.extend_from_slice(&owner.started.to_ne_bytes());
    for descriptor in parcel {
        let Name { number, identity } = foreign::name(descriptor).map_err(failed())?;
        bytes.extend_from_slice(&number.to_ne_bytes());
        bytes.extend_from_slice(&identity.0.to_ne_bytes());
        bytes.extend_from_slice(&identity.1.to_ne_bytes());
    }
    Ok(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk().ok_or(Fault::Garbled(Where::Handles))?;
    *bytes = rest;
    Ok(*head)
}

/// Fetches what a list names, and gives what follows it.
pub(crate) fn read_list(mut bytes: &[u8]) -> Result<(Vec<OwnedFd>, &[u8])> {
    let count = u32::from_ne_bytes(take(&mut bytes)?);
    let pid = u32::from_ne_bytes(take(&mut bytes)?);
    let owner = Owner { pid, started: u64::from_ne_bytes(take(&mut bytes)?) };
    let mut parcel = Vec::new();
    for _ in 0..count {
        let number = i32::from_ne_bytes(take(&mut bytes)?);
        let identity =
            (u64::from_ne_bytes(take(&mut bytes)?), u64::from_ne_bytes(take(&mut bytes)?));
        let fetched = foreign::fetch(owner, Name { number, identity });
        parcel.push(fetched.map_err(|error| refused(pid, &error))?);
    }
    Ok((parcel, bytes))
}

fn refused(pid: u32, error: &io::Error) -> Error {
    let reason = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::SRCH) => format!(
            "process {pid}, which put it, has ended: a handle inside of an item lives only as long as that; pass it as an \
             argument, or through a connection"
        ),
        Some(Errno::PERM) => format!(
            "the system does not let this process have a descriptor of process {pid}: pass the handle through a connection"
        ),
        _ => format!("its handle cannot be had from process {pid}: {error}"),
    };
    Error::Decode { name: "item".to_owned(), reason }
}
