//! Takes away the names of the dead.
//!
//! Whoever makes or finds something by its name does it, and so does the fork server of a process that has died. Two of
//! them, or one of them and somebody who makes a thing of the same name, do not get in each other's way: see `sys::shm`.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FileType;

use super::folder::{self, Folder};
use super::label::Label;
use super::name::Kind;
use crate::sys::shm::{self, Entry};

/// See the module. What cannot be done is left to the next one.
pub(crate) fn sweep() {
    let Ok(root) = Entry::at(shm::root()).open_folder() else { return };
    for name in shm::names(&root).unwrap_or_default() {
        let Some(kind) = Kind::of(&name) else { continue };
        let path = shm::root().join(&name);
        match kind {
            Kind::Memory => sweep_file(&path),
            Kind::Manager | Kind::Family => sweep_folder(&path),
            Kind::New => {
                sweep_folder(&path);
                // Not the one in which its owner's file is.
                let _ = Entry::at(&path).remove_folder();
            }
            Kind::Dead => {
                let own = |folder: &OwnedFd| shm::not_own(folder, FileType::Directory).is_none();
                if let Some(folder) = Entry::at(&path).open_folder().ok().filter(own) {
                    folder::clear(&folder, &path);
                }
            }
        }
    }
}

fn sweep_file(path: &Path) {
    let Ok(file) = Entry::at(path).open() else { return };
    if Label::read(&file, "").is_ok_and(|label| !label.is_alive(&file)) {
        let _ = Entry::at(path).if_it_leads_to(&file, Entry::unlink);
    }
}

fn sweep_folder(path: &Path) {
    if let Ok(found) = Folder::open_at(path, "")
        && !found.is_alive()
    {
        folder::retire(&found.folder, path);
    }
}
