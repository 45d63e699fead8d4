//! Which name leads to what: a file under each name, in the manager's folder, that says of what type the object is and which
//! files it is made of.
//!
//! ```text
//! owner                the manager's own (memory::named)
//! =jobs                a record: Queue<String>, its bytes as the codec writes a handle, .1f03…
//! .1f03…               the queue's memory
//! ```
//! A record is linked when it is complete, and never changed: so two who make the same object at once agree which one it is, and
//! nobody who finds one has to wait for anybody.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::FileType;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::sys::memfd;
use crate::sys::shm::{self, Entry};
use crate::wire::{Pack, Unpack};
use crate::{Error, NameError, Result};

/// What is in front of the names that people give.
const PREFIX: &str = "=";
/// The most bytes of a record: an object is in memory of its own.
const MOST: u64 = 1 << 20;

/// What a name leads to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The full name of the handle's type.
    pub(super) kind: String,
    /// The handle, as the codec has written it.
    pub(super) bytes: Vec<u8>,
    /// Where its descriptors lead.
    pub(super) files: Vec<String>,
}

/// A record that was found, and the file that it is in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) record: Record,
    file: OwnedFd,
}

/// The records of a folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory<'a>(pub(super) &'a OwnedFd);

fn entry_of(name: &str) -> OsString {
    OsString::from(format!("{PREFIX}{name}"))
}

impl Directory<'_> {
    /// What this name leads to.
    pub(super) fn find(self, name: &str) -> Result<Option<Found>> {
        let file = match Entry::of(self.0, &entry_of(name)).open() {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened.map_err(Error::system("open an object of a manager"))?,
        };
        let garbled = |reason: &str| Error::from(NameError::not_ours(name, reason));
        if let Some(reason) = shm::not_own(&file, FileType::RegularFile) {
            return Err(garbled(reason));
        }
        let len = memfd::extent(file.as_fd()).map_err(Error::system("look at shared memory"))?.len;
        if len > MOST {
            return Err(garbled("its record is too long"));
        }
        let mut bytes = vec![0; len as usize];
        memfd::read_exact_at(&file, &mut bytes, 0).map_err(Error::system("read shared memory"))?;
        let record = Unpack::new(&bytes, Vec::new()).take("record");
        Ok(Some(Found { record: record.map_err(|_| garbled("its record is garbled"))?, file }))
    }

    /// Has this name lead to an object, unless it leads to one; whether it does now.
    pub(super) fn insert(self, name: &str, record: &Record) -> Result<bool> {
        let mut pack = Pack::new();
        pack.put(record, name);
        let (bytes, _) = pack.finish()?;
        let len = bytes.len() as u64;
        if len > MOST {
            let reason = "it is too large to be an object of a manager".to_owned();
            return Err(Error::Encode { name: name.to_owned(), reason });
        }
        let failed = || Error::system("reserve shared memory");
        let file = shm::unnamed(Entry::of(self.0, OsStr::new(".")));
        let file = file.map_err(Error::system("make an object of a manager"))?;
        memfd::extend(&file, len, len).map_err(failed())?;
        memfd::write_all_at(&file, &bytes, 0).map_err(failed())?;
        match Entry::of(self.0, &entry_of(name)).publish(&file) {
            Err(Errno::EXIST) => Ok(false),
            published => {
                published.map_err(Error::system("make an object of a manager"))?;
                Ok(true)
            }
        }
    }

    /// Takes a name away, and the files behind it; those who have them open go on. Whether there was one.
    pub(super) fn remove(self, name: &str) -> Result<bool> {
        let Some(Found { record, file }) = self.find(name)? else { return Ok(false) };
        let removed = Entry::of(self.0, &entry_of(name)).if_it_leads_to(&file, Entry::unlink);
        if !removed.map_err(Error::system("remove an object of a manager"))? {
            return Ok(false);
        }
        // Whoever reads the record at this moment finds that they are gone, and looks again.
        for file in record.files.iter().filter(|file| is_file(file)) {
            let _ = Entry::of(self.0, OsStr::new(file)).unlink();
        }
        Ok(true)
    }

    /// Whether the name leads to anything.
    pub(super) fn contains(self, name: &str) -> bool {
        Entry::of(self.0, &entry_of(name)).identity().is_some()
    }

    /// All names, and the types of what they lead to.
    pub(super) fn list(self) -> Result<Vec<(String, String)>> {
        let names = shm::names(self.0).map_err(Error::system("list the objects of a manager"))?;
        let names = names.iter().filter_map(|name| name.to_str()?.strip_prefix(PREFIX));
        let mut all = Vec::new();
        for name in names {
            // One may be gone since then.
            if let Some(found) = self.find(name)? {
                all.push((name.to_owned(), found.record.kind));
            }
        }
        all.sort();
        Ok(all)
    }

    /// Opens a file that a record names; `None` when it is gone, and the record with it.
    pub(super) fn open(self, file: &str) -> Result<Option<OwnedFd>> {
        if !is_file(file) {
            return Err(NameError::not_ours(file, "it is no memory of an object").into());
        }
        match Entry::of(self.0, OsStr::new(file)).open() {
            Err(Errno::NOENT) => Ok(None),
            opened => opened.map(Some).map_err(Error::system("open an object of a manager")),
        }
    }
}

/// Whether this can be the name of an object's memory: it is only a record that says so.
fn is_file(name: &str) -> bool {
    name.starts_with('.') && !name.contains('/') && !matches!(name, "." | "..")
}
