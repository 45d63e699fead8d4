//! `Manager`: objects by name.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use rustix::io::Errno;

use super::directory::Directory;
use super::{object, type_name};
use crate::memory::named::{self, Claim, Folder, Kind};
use crate::wire::Message;
use crate::{Error, NameError, Result};

/// How often to begin again because others have made or removed the same manager in between.
const TRIES: usize = 1000;

/// Hands out objects by name, to programs that are not related or within a family: Python's `Manager`.
///
/// An object is made by the first one who asks for it, and found by all others, whoever is first; it is the same kind of
/// handle that `new` would give, made of shared memory that lies in the manager. So there is no process behind it: to use
/// an object costs what it costs without a manager.
///
/// | made by | found by | lives as long as |
/// | --- | --- | --- |
/// | [`new`](Self::new) | those it is passed to | its last handle, in whatever process |
/// | [`named`](Self::named) | any program of the same user on this machine, which [attaches](Self::attach) to its name | the process that made it has a handle |
///
/// Users of one object in different programs have to mean the same by its type: they are built by the same compiler with
/// the same version of offspring (that is checked when they attach), and types of their own (in a [`Queue`](crate::Queue),
/// say) come from a crate that they share.
///
/// # Fork and death
/// At whatever instruction somebody dies who makes, finds or removes an object, it is there as a whole or not at all. When
/// the process that made a named manager is killed, nothing more can be had from it by name ([`NameError::StaleOwner`]),
/// while those who have objects go on with them; its remains are swept away by whoever makes or finds anything by name
/// next, or by its fork server at once, and it can be made anew. A forked copy of the process that made it owns nothing.
///
/// # Examples
/// ```
/// use offspring::Manager;
///
/// # let app = &format!("example-{}", std::process::id());
/// let manager = Manager::named(app)?;
/// let jobs = manager.queue::<String>("jobs")?;
/// jobs.put("wash up".to_owned())?;
///
/// // In another program:
/// let manager = Manager::attach(app)?;
/// assert_eq!(manager.queue::<String>("jobs")?.get()?, "wash up");
/// let wrong = manager.lock("jobs").unwrap_err();
/// assert_eq!(wrong.to_string(), "`jobs` is of the type `Queue<String>`, not `Lock`");
/// # Ok::<(), offspring::Error>(())
/// ```
#[derive(Clone)]
pub struct Manager {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) folder: Folder,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Of the process that made it, or of one of those that it belongs to.
    pub(super) _claim: Option<Arc<Claim>>,
}

impl Manager {
    /// A manager without a name, for this process and those that it is passed to.
    ///
    /// # Errors
    /// [`Error::System`] when there is no memory or no descriptor left.
    ///
    /// # Fork and death
    /// It is gone with the last process that has it. If that one is killed, what is left of it in `/dev/shm` is swept away
    /// by the next one who makes or finds anything by name.
    pub fn new() -> Result<Self> {
        named::sweep();
        for _ in 0..TRIES {
            let name = crate::sys::shm::random_name();
            let name = name.map_err(Error::system("make a manager"))?;
            if let Some((folder, claim)) = Folder::create(Kind::Family, &name)? {
                return Ok(Self::over(folder, Kind::Family, name, Some(claim)));
            }
        }
        Err(Error::system("make a manager")(Errno::AGAIN))
    }

    /// Makes a manager of this name.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Taken`] when a living process has one of the name; [`NameError::NotOurs`] when
    /// something else has it, or another user; [`NameError::Empty`], [`NameError::TooLong`], [`NameError::Character`] for
    /// what cannot be a name. [`Error::System`] when there is no memory or no descriptor left.
    ///
    /// # Fork and death
    /// At whatever instruction the caller dies, there is no such manager, or one whose owner is dead.
    pub fn named(name: &str) -> Result<Self> {
        named::check(name)?;
        named::sweep();
        for _ in 0..TRIES {
            if let Some((folder, claim)) = Folder::create(Kind::Manager, name)? {
                return Ok(Self::over(folder, Kind::Manager, name.to_owned(), Some(claim)));
            }
            match Folder::open(Kind::Manager, name) {
                Ok(found) if found.is_alive() => return Err(NameError::taken(name).into()),
                Ok(dead) => dead.retire(Kind::Manager, name),
                Err(Error::Name(NameError::Missing { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::system("make a manager")(Errno::AGAIN))
    }

    /// Finds the manager of this name.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Missing`] when there is none; [`NameError::StaleOwner`] when the process that made
    /// it was killed; [`NameError::OtherVersion`] when that is a program of another compiler or with another version of
    /// offspring; [`NameError::NotOurs`] when something else has the name, or another user; [`NameError::Empty`],
    /// [`NameError::TooLong`], [`NameError::Character`] for what cannot be a name. [`Error::System`] when there is no
    /// memory or no descriptor left.
    pub fn attach(name: &str) -> Result<Self> {
        named::check(name)?;
        let found = Folder::open(Kind::Manager, name).and_then(|found| {
            if !found.is_alive() {
                found.retire(Kind::Manager, name);
                return Err(stale(&found, name));
            }
            if !found.label().is_compatible() {
                return Err(NameError::OtherVersion { name: name.to_owned() }.into());
            }
            Ok(found)
        });
        named::sweep();
        Ok(Self::over(found?, Kind::Manager, name.to_owned(), None))
    }

    pub(super) fn over(
        folder: Folder,
        kind: Kind,
        name: String,
        claim: Option<Arc<Claim>>,
    ) -> Self {
        Self { inner: Arc::new(Inner { folder, kind, name, _claim: claim }) }
    }

    /// The object of this name; if there is none, what `make` makes. Of those who ask at the same time, all get the same one.
    ///
    /// It is for handles of all kinds that are made of shared memory, and for what consists of them:
    /// `manager.object("pair", || Ok((Lock::new()?, Queue::<u64>::new()?)))`. All of it has to be made in `make`.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::OtherType`] when it is of another type; [`NameError::StaleOwner`] when the manager
    /// is gone; [`NameError::Empty`], [`NameError::TooLong`], [`NameError::Character`] for what cannot be a name.
    /// [`Error::Encode`] when it has something in it that is not memory, or was not made in `make`; [`Error::Decode`] when
    /// what is found is not what its type says. [`Error::System`] when there is no memory or no descriptor left. What
    /// `make` says.
    ///
    /// # Panics
    /// When `make` does; then there is no such object.
    ///
    /// # Fork and death
    /// The object is there as a whole or not at all, at whatever instruction the caller dies.
    pub fn object<H: Message>(&self, name: &str, make: impl FnOnce() -> Result<H>) -> Result<H> {
        object::get_or_make(&self.inner.folder.folder, name, make, || self.check())
    }

    /// The names of all objects, in order, each with its type.
    ///
    /// # Errors
    /// [`Error::System`] when no descriptor is left to look with; [`Error::Name`] with [`NameError::NotOurs`] when
    /// something was overwritten.
    pub fn names(&self) -> Result<Vec<(String, String)>> {
        let all = self.directory().list()?;
        Ok(all.into_iter().map(|(name, kind)| (name, type_name::short(&kind))).collect())
    }

    /// Whether there is an object of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        named::check(name).is_ok() && self.directory().contains(name)
    }

    /// Takes an object's name away, so that the next one who asks for it gets a new one; whether there was one. Those who
    /// have the object go on with it.
    ///
    /// # Errors
    /// [`Error::Name`] with [`NameError::Empty`], [`NameError::TooLong`], [`NameError::Character`] for what cannot be a
    /// name. [`Error::System`].
    ///
    /// # Fork and death
    /// The name is there or not, at whatever instruction the caller dies.
    pub fn remove(&self, name: &str) -> Result<bool> {
        named::check(name)?;
        self.directory().remove(name)
    }

    /// Its name; `None` for one made by [`new`](Self::new).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        (self.inner.kind == Kind::Manager).then_some(self.inner.name.as_str())
    }

    /// Whether objects can still be had: the process that made it has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.inner.folder.is_alive()
    }

    fn check(&self) -> Result<()> {
        let Inner { folder, name, .. } = &*self.inner;
        if folder.is_alive() { Ok(()) } else { Err(stale(folder, name)) }
    }

    fn directory(&self) -> Directory<'_> {
        Directory(&self.inner.folder.folder)
    }
}

fn stale(folder: &Folder, name: &str) -> Error {
    NameError::StaleOwner { name: name.to_owned(), pid: folder.label().pid() }.into()
}

/// Shows its name, and those of its objects.
impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names().unwrap_or_default();
        let objects: Vec<&OsStr> = names.iter().map(|(name, _)| OsStr::new(name)).collect();
        f.debug_struct("Manager")
            .field("name", &self.name())
            .field("objects", &objects)
            .finish_non_exhaustive()
    }
}
