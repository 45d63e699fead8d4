//! Handles inside of a queue's items: they stay with whoever put the item, and are fetched from there by whoever takes it.
//!
//! ```text
//! count | pid | start time | for each: number, device, inode | the item, as the codec writes it
//! ```
//! Memory has no room for descriptors. So the list says where they are open, and how to tell that it is still they; the process that put
//! the item keeps them open until the item has been taken, or until its end. After that they cannot be had any more, which is
//! an error for whoever takes the item.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::io::Errno;

use super::fault::{Fault, Where};
use crate::sys::foreign::{self, Name, Owner};
use crate::{Error, Result};

/// The outboxes of this process: a queue's may be the last that there is of it here.
static OUTBOXES: Mutex<Vec<Arc<Outbox>>> = Mutex::new(Vec::new());

/// What is kept open of what was put into one queue by one handle, with the number of the item that it belongs to.
pub(crate) struct Outbox {
    is_gone: Box<dyn Fn(u32) -> bool + Send + Sync>,
    kept: Mutex<Vec<(u32, Vec<Arc<OwnedFd>>)>>,
}

impl Outbox {
    /// `is_gone` says whether nobody will want the handles of an item any more.
    fn new(is_gone: impl Fn(u32) -> bool + Send + Sync + 'static) -> Arc<Self> {
        let outbox = Arc::new(Self { is_gone: Box::new(is_gone), kept: Mutex::default() });
        lock(&OUTBOXES).push(Arc::clone(&outbox));
        outbox
    }

    fn clear_out(&self) {
        lock(&self.kept).retain(|(item, _)| !(self.is_gone)(*item));
    }
}

/// A handle's own outbox, from when it has something for it on.
#[derive(Default)]
pub(crate) struct OwnOutbox(OnceLock<Arc<Outbox>>);

impl OwnOutbox {
    /// Keeps a parcel until the item is gone, which `is_gone` comes to say.
    pub(crate) fn keep<G: Fn(u32) -> bool + Send + Sync + 'static>(
        &self,
        item: u32,
        parcel: Vec<Arc<OwnedFd>>,
        is_gone: impl FnOnce() -> Result<G, Fault>,
    ) -> Result<(), Fault> {
        let outbox = match self.0.get() {
            Some(outbox) => outbox,
            None => {
                let new = Outbox::new(is_gone()?);
                self.0.get_or_init(|| new)
            }
        };
        outbox.clear_out();
        lock(&outbox.kept).push((item, parcel));
        Ok(())
    }
}

impl Drop for OwnOutbox {
    fn drop(&mut self) {
        if self.0.take().is_some() {
            clear_out();
        }
    }
}

impl fmt::Debug for OwnOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.get().map_or(0, |outbox| lock(&outbox.kept).len());
        f.debug_tuple("OwnOutbox").field(&count).finish()
    }
}

/// Closes what this process keeps for items that are gone, in whatever queues they were: a queue that was sent in an item of
/// another one counts as held here until then.
pub(crate) fn clear_out() {
    lock(&OUTBOXES).retain(|outbox| {
        outbox.clear_out();
        Arc::strong_count(outbox) > 1 || !lock(&outbox.kept).is_empty()
    });
}

/// In a forked copy of this process: what is kept is the original's to keep.
pub(crate) fn let_go() {
    lock(&OUTBOXES).iter().for_each(|outbox| lock(&outbox.kept).clear());
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
