//! Many files under one name: a folder, with a file in it that says whose it is.
//!
//! ```text
//! offspring-1000-new-…  ──rename──▶  offspring-1000-manager-app  ──rename──▶  offspring-1000-dead-…  ──▶ nothing
//! ```
//! The folder has its name from when its owner's file is in it, and held, to the moment when it is renamed for good: so
//! what is in a folder of a name belongs to that one owner, and who still has it open when its name has gone can put
//! nothing into that of the next one. Killed between any two of these steps, there is a `new` folder that nobody holds, or
//! a `dead` one; both are anybody's to remove. A `new` one that is empty may be somebody's who has just begun: to find it
//! gone is for that one to begin again.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::claim::{Claim, What};
use super::error::NameError;
use super::label::{self, Label};
use super::name::Kind;
use crate::sys::shm::{self, Entry};
use crate::sys::{memfd, roll};
use crate::{Error, Result};

/// The file that says whose the folder is.
const OWNER: &str = "owner";
/// How often something is begun again that others have come in between of.
const TRIES: usize = 1000;

/// A folder that was made or found by its name.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// The folder itself.
    pub(crate) folder: Arc<OwnedFd>,
    /// The owner's file; not on its roll.
    owner: Arc<OwnedFd>,
    label: Label,
}

impl Folder {
    /// Makes a folder of this name; `None` when there is one.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn create(kind: Kind, name: &str) -> Result<Option<(Self, Arc<Claim>)>> {
        for _ in 0..TRIES {
            let begun = Kind::New.path(&shm::random_name().map_err(failed)?);
            let folder = match Entry::at(&begun).make_folder() {
                // Somebody has swept it away before it was anybody's: here, and below.
                Err(Errno::NOENT) => continue,
                made => Arc::new(made.map_err(failed)?),
            };
            match Self::finish(&folder, &begun, kind, name) {
                Ok(made @ Some(_)) => return Ok(made),
                Err(Error::System { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                other => {
                    retire(&folder, &begun);
                    return other;
                }
            }
        }
        Err(failed(Errno::AGAIN))
    }

    fn finish(
        folder: &Arc<OwnedFd>,
        begun: &Path,
        kind: Kind,
        name: &str,
    ) -> Result<Option<(Self, Arc<Claim>)>> {
        let (file, label) = Self::put_owner(folder, kind == Kind::Family)?;
        match Entry::at(begun).rename(OsStr::new(&kind.file(name))) {
            Err(Errno::EXIST) => return Ok(None),
            renamed => renamed.map_err(failed)?,
        }
        let (folder, path) = (Arc::clone(folder), kind.path(name));
        let what = match kind {
            Kind::Family => What::Shared { folder: Arc::clone(&folder), path },
            _ => What::Folder { folder: Arc::clone(&folder), path },
        };
        // From here on the folder goes with the claim.
        let file = Arc::new(file);
        let claim = Claim::new(Arc::clone(&file), what);
        let owner = unsigned(&file)?;
        Ok(Some((Self { folder, owner, label }, claim)))
    }

    fn put_owner(folder: &OwnedFd, shared: bool) -> Result<(OwnedFd, Label)> {
        let label = Label::new(0, shared)?;
        let file = shm::unnamed(Entry::of(folder, OsStr::new("."))).map_err(failed)?;
        let len = label::BYTES as u64;
        memfd::extend(&file, len, len).map_err(Error::system("reserve shared memory"))?;
        label.write(&file)?;
        Entry::of(folder, OsStr::new(OWNER)).publish(&file).map_err(failed)?;
        Ok((file, label))
    }

    /// Finds a folder by its name, whether its owner is alive or not.
    ///
    /// # Errors
    /// [`NameError::Missing`], [`NameError::NotOurs`], [`NameError::OtherVersion`]; [`Error::System`].
    pub(crate) fn open(kind: Kind, name: &str) -> Result<Self> {
        Self::open_at(&kind.path(name), name)
    }

    pub(super) fn open_at(path: &Path, name: &str) -> Result<Self> {
        let folder = match Entry::at(path).open_folder() {
            Err(Errno::NOENT) => return Err(NameError::missing(name).into()),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(NameError::not_ours(name, "it is something else").into());
            }
            Err(Errno::ACCESS) => {
                return Err(NameError::not_ours(name, "it belongs to another user").into());
            }
            opened => opened.map_err(Error::system("open shared memory by its name"))?,
        };
        Self::over(folder, None, name)
    }

    /// A folder that was handed over, with its owner's file.
    pub(crate) fn of(folder: OwnedFd, owner: OwnedFd, name: &str) -> Result<Self> {
        Self::over(folder, Some(owner), name)
    }

    fn over(folder: OwnedFd, owner: Option<OwnedFd>, name: &str) -> Result<Self> {
        if let Some(reason) = shm::not_own(&folder, FileType::Directory) {
            return Err(NameError::not_ours(name, reason).into());
        }
        let opened = owner.map_or_else(|| Entry::of(&folder, OsStr::new(OWNER)).open(), Ok);
        let owner = match opened {
            // It was just taken away.
            Err(Errno::NOENT) => return Err(NameError::missing(name).into()),
            opened => opened.map_err(Error::system("open shared memory by its name"))?,
        };
        let label = Label::read(&owner, name)?;
        Ok(Self { folder: Arc::new(folder), owner: Arc::new(owner), label })
    }

    /// Whether its owner lives.
    pub(crate) fn is_alive(&self) -> bool {
        self.label.is_alive(&self.owner)
    }

    /// What is known of its owner.
    pub(crate) fn label(&self) -> &Label {
        &self.label
    }

    /// Another descriptor of the owner's file, to be handed on: on the roll, if the folder belongs to all who have it.
    pub(crate) fn hand_on(&self) -> Result<Arc<OwnedFd>> {
        let owner = unsigned(&self.owner)?;
        if self.label.is_shared() {
            roll::sign(&*owner).map_err(Error::system("share a folder in shared memory"))?;
        }
        Ok(owner)
    }

    /// A claim on a folder that belongs to all who have it, by a descriptor that was handed over: it is on the roll already.
    pub(crate) fn share(&self, signed: OwnedFd, kind: Kind, name: &str) -> Arc<Claim> {
        let what = What::Shared { folder: Arc::clone(&self.folder), path: kind.path(name) };
        Claim::new(Arc::new(signed), what)
    }

    /// Takes the name, which leads here, away, and all that is in here.
    pub(crate) fn retire(&self, kind: Kind, name: &str) {
        retire(&self.folder, &kind.path(name));
    }
}

fn failed(errno: Errno) -> Error {
    Error::system("make a folder in shared memory")(errno)
}

fn unsigned(file: &OwnedFd) -> Result<Arc<OwnedFd>> {
    use std::os::fd::AsFd as _;
    let own = memfd::reopen(file.as_fd()).map_err(Error::system("open shared memory again"))?;
    Ok(Arc::new(own))
}

/// Takes the name away from this folder, if it has it, and all that is in it. What cannot be done now is left to others.
pub(super) fn retire(folder: &OwnedFd, path: &Path) {
    let Ok(random) = shm::random_name() else { return };
    let dead = Kind::Dead.file(&random);
    let renamed = Entry::at(path).if_it_leads_to(folder, |name| name.rename(OsStr::new(&dead)));
    if matches!(renamed, Ok(true)) {
        clear(folder, &Kind::Dead.path(&random));
    }
}

/// Removes a folder that nobody wants any more.
pub(super) fn clear(folder: &OwnedFd, path: &Path) {
    for _ in 0..TRIES {
        for name in shm::names(folder).unwrap_or_default() {
            let _ = Entry::of(folder, &name).unlink();
        }
        match Entry::at(path).remove_folder() {
            // One who has it open has put something more into it.
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            _ => return,
        }
    }
}

/// Whether others can still find a file of a folder: it has its name, and its folder an owner.
pub(crate) fn can_be_found(file: BorrowedFd<'_>) -> bool {
    if !shm::has_name(file) {
        return false;
    }
    let owned = |path: io::Result<std::path::PathBuf>| {
        let path = path.map_err(Error::system("look at shared memory"))?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        Folder::open_at(folder, "").map(|folder| folder.is_alive())
    };
    match owned(shm::path_of(file)) {
        Ok(alive) => alive,
        Err(Error::Name(_)) => false,
        // Without a descriptor to look with, it may be.
        Err(_) => true,
    }
}
