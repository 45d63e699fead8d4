//! `SharedMemory`: bytes under a name, for programs that are not related.
//!
//! The mapping is the `shared_memory` crate's. All around it is ours, because that crate leaves names behind when it is
//! killed, believes what it finds, and has memory that may turn out not to be there: the file is made without a name,
//! reserved, labelled and held by its owner before it gets one; who opens it looks first at whose it is; and only a
//! [`Claim`] takes the name away, so that the crate is never told that it owns anything.
//!
//! # Safety
//! Invariant 1: `start` leads to `len` bytes of the mapping, which lives as long as the `Inner`. That they stay there is
//! for the programs of this user to see to, who alone could make the file shorter. They are only ever looked at as atomics,
//! for which all bytes are right.

#![allow(unsafe_code, reason = "references into a mapping of another crate's")]

use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use rustix::io::Errno;
use shared_memory::{Shmem, ShmemConf, ShmemError};

use super::claim::{Claim, What};
use super::error::NameError;
use super::label::{self, Label};
use super::name::{self, Kind};
use super::sweep::sweep;
use crate::memory::room;
use crate::sys::memfd;
use crate::sys::shm::{self, Entry};
use crate::{Error, Result};

/// Bytes in shared memory that other programs find by a name: Python's `SharedMemory`.
///
/// [`create`](Self::create) makes it, [`open`](Self::open) finds it, in any program of the same user on this machine; those
/// of other users get in nowhere. It is a handle: clones lead to the same bytes, and so does what a task gets that it is
/// passed to. For all that is not plain bytes, a [`Manager`](crate::Manager) hands out objects by name.
///
/// The name belongs to the process that made it. It goes when that process's last handle does, or with
/// [`unlink`](Self::unlink); the end of one that has only opened it never takes it away, however that comes. Whoever has a
/// handle by then goes on using the bytes, which are freed with the last one.
///
/// # Fork and death
/// When the owner is killed, its name is free again: it is swept away by the next one who makes or opens anything by name,
/// or by the owner's fork server at once. The bytes stay as they were for those who have them open. Killed in the middle of
/// `create`, there is no such name, or a whole one. A forked copy of the owner owns nothing.
///
/// # Examples
/// ```
/// use offspring::SharedMemory;
/// use std::sync::atomic::Ordering::Relaxed;
///
/// # let name = &format!("example-{}", std::process::id());
/// let mine = SharedMemory::create(name, 4096)?;
/// mine.bytes()[0].store(42, Relaxed);
///
/// // In another program:
/// let theirs = SharedMemory::open(name)?;
/// assert_eq!(theirs.len(), 4096);
/// assert_eq!(theirs.bytes()[0].load(Relaxed), 42);
/// # Ok::<(), offspring::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    start: NonNull<AtomicU8>,
    len: usize,
    file: Arc<OwnedFd>,
    /// Of the process that made it.
    claim: Option<Arc<Claim>>,
    _mapping: Shmem,
}

// SAFETY: the mapping's addresses mean the same in every thread; the bytes are atomics; and the crate's own methods are not called.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl SharedMemory {
    /// Makes `len` bytes of this name, all of them zero.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Taken`] when a living process has such a name; [`NameError::NotOurs`] when
    /// something else has it; [`NameError::Empty`], [`NameError::TooLong`], [`NameError::Character`] for what cannot be a
    /// name; [`NameError::NoBytes`] for no bytes. [`Error::System`] when there is no memory (`ENOSPC`, `ENOMEM`) or no
    /// descriptor left; never a signal later.
    ///
    /// # Fork and death
    /// At whatever instruction the caller dies, nothing has the name, or a whole object whose owner is dead.
    pub fn create(name: &str, len: usize) -> Result<Self> {
        name::check(name)?;
        if len == 0 {
            return Err(NameError::NoBytes { name: name.to_owned() }.into());
        }
        sweep();
        let full = || Error::system("reserve shared memory")(Errno::NOMEM);
        let total = len.checked_add(label::BYTES).filter(|total| *total <= isize::MAX as usize);
        let total = total.ok_or_else(full)? as u64;
        if !room::is_enough(total) {
            return Err(full());
        }
        let file = shm::unnamed(Entry::at(shm::root()));
        let file = file.map_err(Error::system("make shared memory"))?;
        memfd::extend(&file, total, total).map_err(Error::system("reserve shared memory"))?;
        Label::new(len as u64, false)?.write(&file)?;
        let path = Kind::Memory.path(name);
        match Entry::at(&path).publish(&file) {
            // What was dead has been swept away, so that this one lives, or is not ours to take away.
            Err(Errno::EXIST) => return Err(taken(name)),
            published => published.map_err(Error::system("give shared memory its name"))?,
        }
        let file = Arc::new(file);
        let claim = Claim::new(Arc::clone(&file), What::File(path));
        Self::map(name, file, len, Some(claim))
    }

    /// Finds the bytes of this name.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Missing`] when nothing has the name; [`NameError::StaleOwner`] when its owner was
    /// killed, and nobody has made it anew; [`NameError::NotOurs`] when it is something else, or another user's;
    /// [`NameError::Empty`], [`NameError::TooLong`], [`NameError::Character`] for what cannot be a name. [`Error::System`]
    /// when there is no memory or no descriptor left.
    pub fn open(name: &str) -> Result<Self> {
        name::check(name)?;
        let found = Self::find(name);
        sweep();
        let (file, label) = found?;
        // What no address space could hold, no file does either.
        let len = usize::try_from(label.len).unwrap_or(usize::MAX);
        Self::map(name, Arc::new(file), len, None)
    }

    /// Takes the name away, whoever owns it, without opening it. Those who have it open go on.
    ///
    /// It is Python's way to clean up; here it is seldom needed, because the names of the dead are swept away.
    ///
    /// # Errors
    /// As for [`open`](Self::open); a name whose owner is dead is missing.
    pub fn unlink_name(name: &str) -> Result<()> {
        name::check(name)?;
        sweep();
        let (file, _) = Self::find(name)?;
        remove(name, &file)
    }

    /// Finds the very bytes that a handle in another process leads to.
    pub(crate) fn open_same(name: &str, identity: (u64, u64)) -> Result<Self> {
        name::check(name)?;
        let (file, label) = Self::find(name)?;
        let len = usize::try_from(label.len).unwrap_or(usize::MAX);
        let found = Self::map(name, Arc::new(file), len, None)?;
        if found.identity() != Some(identity) {
            return Err(NameError::missing(name).into());
        }
        Ok(found)
    }

    fn find(name: &str) -> Result<(OwnedFd, Label)> {
        let file = match Entry::at(&Kind::Memory.path(name)).open() {
            Err(Errno::NOENT) => return Err(NameError::missing(name).into()),
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => {
                return Err(NameError::not_ours(name, "it is something else").into());
            }
            Err(Errno::ACCESS) => {
                return Err(NameError::not_ours(name, "it belongs to another user").into());
            }
            opened => opened.map_err(Error::system("open shared memory by its name"))?,
        };
        let label = Label::read(&file, name)?;
        if !label.is_alive(&file) {
            return Err(NameError::StaleOwner { name: name.to_owned(), pid: label.pid() }.into());
        }
        Ok((file, label))
    }

    fn map(name: &str, file: Arc<OwnedFd>, len: usize, claim: Option<Arc<Claim>>) -> Result<Self> {
        let failed = || Error::system("look at shared memory");
        let total = len.saturating_add(label::BYTES);
        let extent = memfd::extent(file.as_fd()).map_err(failed())?;
        if extent.len < total as u64 || extent.reserved < total as u64 {
            return Err(NameError::not_ours(name, "it is shorter than it says").into());
        }
        let mapping = ShmemConf::new().os_id(format!("/{}", Kind::Memory.file(name))).open();
        let mapping = mapping.map_err(|error| refused(name, &error))?;
        // It was opened by its name, and might be another one: but not if the name still leads to this file, which had it before.
        let identity = memfd::identity(file.as_fd()).map_err(failed())?;
        let is_same = Entry::at(&Kind::Memory.path(name)).identity() == Some(identity);
        if !is_same || mapping.len() < total {
            return Err(NameError::missing(name).into());
        }
        let start = NonNull::new(mapping.as_ptr()).ok_or_else(|| NameError::missing(name))?;
        // SAFETY: the label is in front of the bytes; both are in the mapping.
        let start = unsafe { start.add(label::BYTES) }.cast();
        let name = name.to_owned();
        Ok(Self { inner: Arc::new(Inner { name, start, len, file, claim, _mapping: mapping }) })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How many bytes there are.
    #[doc(alias = "size")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len
    }

    /// Whether there are no bytes: there are always some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, which others may change at any moment.
    #[doc(alias = "buf")]
    #[must_use]
    pub fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: Invariant 1.
        unsafe { slice::from_raw_parts(self.inner.start.as_ptr(), self.inner.len) }
    }

    /// Whether this process has made it, so that the name goes with its last handle here.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.inner.claim.as_ref().is_some_and(|claim| claim.is_own())
    }

    /// Takes the name away, so that nobody can open it any more and it can be made anew. Those who have it open go on.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Missing`] when the name is gone, or another one's by now. [`Error::System`].
    ///
    /// # Fork and death
    /// The name is there or not, at whatever instruction the caller dies.
    pub fn unlink(&self) -> Result<()> {
        remove(self.name(), &self.inner.file)
    }

    /// Whether two handles lead to the same bytes.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.identity().is_some() && self.identity() == other.identity()
    }

    /// Which object it is: what a handle that travels is checked by.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        memfd::identity(self.inner.file.as_fd()).ok()
    }
}

/// Shows name and length.
impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("name", &self.name())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn remove(name: &str, file: &OwnedFd) -> Result<()> {
    let removed = Entry::at(&Kind::Memory.path(name)).if_it_leads_to(file, Entry::unlink);
    if removed.map_err(Error::system("take a name away"))? {
        Ok(())
    } else {
        Err(NameError::missing(name).into())
    }
}

/// Why a name cannot be given: what has it may be anything.
fn taken(name: &str) -> Error {
    match SharedMemory::find(name) {
        Err(error @ Error::Name(NameError::NotOurs { .. })) => error,
        _ => NameError::taken(name).into(),
    }
}

fn refused(name: &str, error: &ShmemError) -> Error {
    let source = match error {
        ShmemError::MapOpenFailed(code) | ShmemError::UnknownOsError(code) => {
            io::Error::from_raw_os_error(*code as i32)
        }
        other => io::Error::other(other.to_string()),
    };
    if source.kind() == io::ErrorKind::NotFound {
        return NameError::missing(name).into();
    }
    Error::system("map shared memory")(source)
}
