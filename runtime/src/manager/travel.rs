//! How a manager is passed on: as its folder, and its owner's file. So whoever gets it has that very one, whatever has its
//! name by then.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::handle::Manager;
use crate::memory::named::{self, Folder, Kind};
use crate::sys::memfd;
use crate::wire::explain;
use crate::wire::handle::Carried;
use crate::{Error, Result};

/// Whether it has a name, which, its folder, and its owner's file: on the roll, if it belongs to all who have it.
type Letter = (bool, String, Carried, Carried);

impl Serialize for Manager {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let folder = &self.inner.folder;
        let owner = folder.hand_on().map_err(|error| S::Error::custom(explain(error)))?;
        let named = self.inner.kind == Kind::Manager;
        let folder = Carried(Arc::clone(&folder.folder));
        let letter: Letter = (named, self.inner.name.clone(), folder, Carried(owner));
        letter.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Manager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let letter = Letter::deserialize(deserializer)?;
        received(letter).map_err(|error| D::Error::custom(explain(error)))
    }
}

fn received((named, name, folder, owner): Letter) -> Result<Manager> {
    named::check(&name)?;
    let own = |carried: Carried| -> Result<OwnedFd> {
        // It came just now, so that nobody else has it.
        Arc::into_inner(carried.0).ok_or_else(|| incomplete(&name))
    };
    let (folder, owner) = (own(folder)?, own(owner)?);
    if named {
        let folder = Folder::of(folder, owner, &name)?;
        return Ok(Manager::over(folder, Kind::Manager, name, None));
    }
    let unsigned = memfd::reopen(owner.as_fd()).map_err(Error::system("open a manager"))?;
    let folder = Folder::of(folder, unsigned, &name)?;
    let claim = folder.share(owner, Kind::Family, &name);
    Ok(Manager::over(folder, Kind::Family, name, Some(claim)))
}

fn incomplete(name: &str) -> Error {
    Error::Decode { name: name.to_owned(), reason: "its folder did not come with it".to_owned() }
}
