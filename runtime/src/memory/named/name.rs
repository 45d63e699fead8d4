//! What may be a name, and what it is called in `/dev/shm`: `offspring-1000-memory-frame`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::error::NameError;
use crate::sys::shm;

/// The most bytes that a name may have: with what stands in front of it, a file's name.
const MAX: usize = 200;

/// What is under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file: raw bytes.
    Memory,
    /// The folder of a manager that has a name.
    Manager,
    /// The folder of one that has none.
    Family,
    /// A folder on its way to be one of those.
    New,
    /// A folder that was one of those.
    Dead,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Memory, Self::Manager, Self::Family, Self::New, Self::Dead];

    fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Manager => "manager",
            Self::Family => "family",
            Self::New => "new",
            Self::Dead => "dead",
        }
    }

    /// The whole name of the file or folder.
    pub(crate) fn file(self, name: &str) -> String {
        format!("{}{}-{name}", prefix(), self.word())
    }

    /// Where that is.
    pub(crate) fn path(self, name: &str) -> PathBuf {
        shm::root().join(self.file(name))
    }

    /// What a file or folder of this name is, if it is one of ours.
    pub(crate) fn of(file: &OsStr) -> Option<Self> {
        let rest = file.as_bytes().strip_prefix(prefix().as_bytes())?;
        let word = rest.split(|byte| *byte == b'-').next()?;
        Self::ALL.into_iter().find(|kind| kind.word().as_bytes() == word)
    }
}

/// What all names of this user's begin with.
pub(crate) fn prefix() -> String {
    format!("offspring-{}-", shm::user())
}

/// Whether this may be a name.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX {
        return Err(NameError::TooLong { name: name.to_owned(), max: MAX });
    }
    match name.chars().find(|character| matches!(character, '/' | '\0')) {
        Some(character) => Err(NameError::Character { name: name.to_owned(), character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_those_of_others() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(OsStr::new(&kind.file("a-b"))), Some(kind));
        }
        let other = format!("offspring-{}-memory-a", shm::user() + 1);
        for name in ["", "sem.mp-1", "offspring-", &other, &format!("{}elsewhere-a", prefix())] {
            assert_eq!(Kind::of(OsStr::new(name)), None, "{name}");
        }
    }
}
