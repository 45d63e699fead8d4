//! An object, got or made by its name.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::directory::{Directory, Found, Record};
use super::type_name;
use crate::memory::named;
use crate::sys::place::{self, Made};
use crate::sys::{memfd, roll};
use crate::wire::{Message, Pack, Unpack};
use crate::{Error, NameError, Result};

/// How often to begin again because others have made or removed the object in between.
const TRIES: usize = 1000;

/// An object that has no name yet: its files go again if it gets none.
struct Draft<H> {
    handle: H,
    record: Record,
    files: Made,
}

impl<H: Message> Draft<H> {
    fn make(folder: &Arc<OwnedFd>, name: &str, make: impl FnOnce() -> Result<H>) -> Result<Self> {
        let (handle, files) = place::within(Arc::clone(folder), make);
        let handle = handle?;
        let mut pack = Pack::new();
        pack.put(&handle, name);
        let (bytes, descriptors) = pack.finish()?;
        let mut names = Vec::new();
        for descriptor in &descriptors {
            let identity = memfd::identity(descriptor.as_fd())
                .map_err(Error::system("look at shared memory"))?;
            let file = files.name_of(identity).and_then(|file| file.to_str());
            names.push(file.ok_or_else(|| elsewhere(name))?.to_owned());
        }
        let kind = type_name::full::<H>().to_owned();
        Ok(Self { handle, record: Record { kind, bytes, files: names }, files })
    }
}

fn elsewhere(name: &str) -> Error {
    let reason = "it has a handle in it that was made before, or that does not lead to memory; make all of it when it gets its name";
    Error::Encode { name: name.to_owned(), reason: reason.to_owned() }
}

/// The object of this name; if there is none, what `make` makes. `check` says whether objects may be had at this moment.
pub(super) fn get_or_make<H: Message>(
    folder: &Arc<OwnedFd>,
    name: &str,
    make: impl FnOnce() -> Result<H>,
    check: impl Fn() -> Result<()>,
) -> Result<H> {
    named::check(name)?;
    // What fails because the folder was just taken away fails for that.
    attempt(folder, name, make, &check).or_else(|error| check().and(Err(error)))
}

fn attempt<H: Message>(
    folder: &Arc<OwnedFd>,
    name: &str,
    make: impl FnOnce() -> Result<H>,
    check: impl Fn() -> Result<()>,
) -> Result<H> {
    let directory = Directory(folder);
    let (mut make, mut draft) = (Some(make), None);
    for _ in 0..TRIES {
        check()?;
        if let Some(found) = directory.find(name)? {
            match open(directory, name, &found)? {
                Some(handle) => return Ok(handle),
                // It was removed just now.
                None => continue,
            }
        }
        if let Some(make) = make.take() {
            draft = Some(Draft::make(folder, name, make)?);
        }
        let Some(made) = draft.take() else { break };
        if directory.insert(name, &made.record)? {
            made.files.keep();
            return Ok(made.handle);
        }
        // Others were faster: theirs it is, unless it is gone again by now.
        draft = Some(made);
    }
    Err(Error::system("make an object of a manager")(Errno::AGAIN))
}

/// The object of a record; `None` when it has been removed meanwhile.
fn open<H: Message>(directory: Directory<'_>, name: &str, found: &Found) -> Result<Option<H>> {
    let Record { kind, bytes, files } = &found.record;
    let expected = type_name::full::<H>();
    if kind != expected {
        let [found, expected] = type_name::apart(kind, expected);
        return Err(NameError::OtherType { name: name.to_owned(), found, expected }.into());
    }
    let mut descriptors = Vec::new();
    for file in files {
        let Some(descriptor) = directory.open(file)? else { return Ok(None) };
        // As one that came in a message: what counts its holders counts this one.
        roll::sign(&descriptor).map_err(Error::system("open an object of a manager"))?;
        descriptors.push(descriptor);
    }
    Unpack::new(bytes, descriptors).take(name).map(Some)
}
