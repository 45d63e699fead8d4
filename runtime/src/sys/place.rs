//! Where new objects of memory are made: without a name, or, while [`within`] runs, as files of a folder.
//!
//! So a queue or a lock that others are to find by a name is made by the code that makes any other one.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::io::Result;

use super::memfd;
use super::shm::{self, Entry};

/// Files that were made, which go again unless they are [kept](Self::keep).
#[derive(Debug)]
pub(crate) struct Made {
    folder: Arc<OwnedFd>,
    files: Vec<(OsString, (u64, u64))>,
}

thread_local! {
    /// For the objects that this thread makes.
    static PLACE: RefCell<Option<Made>> = const { RefCell::new(None) };
}

/// What was there before, again: also when `make` panics.
struct Restore(Option<Made>);

impl Drop for Restore {
    fn drop(&mut self) {
        PLACE.set(self.0.take());
    }
}

/// Runs `make`; the memory that it makes are files of the folder, with names of their own.
pub(crate) fn within<R>(folder: Arc<OwnedFd>, make: impl FnOnce() -> R) -> (R, Made) {
    let made = Made { folder, files: Vec::new() };
    let mut restore = Restore(PLACE.replace(Some(made)));
    let result = make();
    let made = PLACE.replace(restore.0.take());
    std::mem::forget(restore);
    let Some(made) = made else { unreachable!("what was put there is there") };
    (result, made)
}

/// Runs `make`; the memory that it makes has no name, wherever this is called.
pub(crate) fn nowhere<R>(make: impl FnOnce() -> R) -> R {
    let _restore = Restore(PLACE.take());
    make()
}

/// A new, empty file, if that is what objects are at this moment.
pub(super) fn file() -> Option<Result<OwnedFd>> {
    PLACE.with_borrow_mut(|place| place.as_mut().map(Made::add))
}

impl Made {
    fn add(&mut self) -> Result<OwnedFd> {
        // Not to be mistaken for what has a name for people.
        let name = OsString::from(format!(".{}", shm::random_name()?));
        let file = Entry::of(&self.folder, &name).make_file()?;
        let identity = memfd::identity(file.as_fd());
        self.files.push((name, identity.unwrap_or((0, 0))));
        Ok(file)
    }

    /// The name of this object, if it is one of these.
    pub(crate) fn name_of(&self, identity: (u64, u64)) -> Option<&OsString> {
        self.files.iter().find(|(_, other)| *other == identity).map(|(name, _)| name)
    }

    /// They stay: others know of them now.
    pub(crate) fn keep(mut self) {
        self.files.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for (name, _) in &self.files {
            // One that has gone otherwise is gone.
            let _ = Entry::of(&self.folder, name).unlink();
        }
    }
}
