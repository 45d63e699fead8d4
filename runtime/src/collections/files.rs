//! Handles in a value of a collection that are none of collections: a `Queue` or a `Lock` in a `Dict`.
//!
//! Memory cannot hold a descriptor, but it can hold a name: what a [`Manager`](crate::Manager) has handed out is a file, and the value keeps its path.
//! Without such a name there is nothing to keep.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use crate::memory::named;
use crate::sys::roll;
use crate::sys::shm::{self, Entry};
use crate::{Error, Result};

/// The paths of what these descriptors lead to.
pub(super) fn paths_of(descriptors: &[Arc<OwnedFd>], name: &str) -> Result<Vec<String>> {
    let path_of = |descriptor: &Arc<OwnedFd>| {
        let is_file = shm::is_own_file(descriptor.as_fd(), &named::prefix());
        let path = is_file.then(|| shm::path_of(descriptor.as_fd()).ok())??;
        path.into_os_string().into_string().ok()
    };
    let paths = descriptors.iter().map(path_of).collect::<Option<Vec<_>>>();
    paths.ok_or_else(|| {
        let reason = "of handles, those of collections (`List`, `Dict`, `Value`, `Namespace`) can be kept in a collection, and those that a \
                      `Manager` has handed out: pass others beside it";
        Error::Encode { name: name.to_owned(), reason: reason.to_owned() }
    })
}

/// What is there now.
pub(super) fn open(paths: &[String], name: &str) -> Result<Vec<OwnedFd>> {
    let gone = |_| Error::Decode {
        name: name.to_owned(),
        reason: "a handle in it leads to what its manager has removed".to_owned(),
    };
    let open = |path: &String| {
        let path = Path::new(path);
        // A path that was written by somebody else leads to nothing of ours.
        if !path.starts_with(shm::root()) {
            return Err(Error::Garbled { reason: "a value has a path to nowhere".to_owned() });
        }
        let file = Entry::at(path).open().map_err(gone)?;
        // As one that came in a message: what counts its holders counts this one.
        roll::sign(&file).map_err(Error::system("open an object of a manager"))?;
        Ok(file)
    };
    paths.iter().map(open).collect()
}
