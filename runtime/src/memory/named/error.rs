//! Why something cannot be made or found under a name.

use thiserror::Error as ThisError;

/// Why something cannot be had by its name.
///
/// # Examples
/// ```
/// use offspring::{Error, NameError, SharedMemory};
///
/// let missing = SharedMemory::open("no such thing").unwrap_err();
/// assert!(matches!(missing, Error::Name(NameError::Missing { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The name has too many bytes.
    #[error("the name `{name}` is too long: it has {} bytes, and {max} are the most", name.len())]
    TooLong {
        /// The name.
        name: String,
        /// How many it may have.
        max: usize,
    },
    /// The name contains what no name can contain: `/`, or a NUL.
    #[error("{character:?} cannot be part of a name: {name:?}")]
    Character {
        /// The name.
        name: String,
        /// The first such character in it.
        character: char,
    },
    /// Shared memory of no bytes was asked for.
    #[error("`{name}` would have no bytes: ask for at least one")]
    NoBytes {
        /// The name.
        name: String,
    },
    /// Something has this name, and its owner lives.
    #[error("there is something of the name `{name}` already, and its owner is running")]
    Taken {
        /// The name.
        name: String,
    },
    /// Nothing has this name.
    #[error(
        "there is nothing of the name `{name}`: has its owner made it, and is it still running?"
    )]
    Missing {
        /// The name.
        name: String,
    },
    /// Whoever made what has this name has ended without taking it away: it was killed.
    #[error("the owner of `{name}`, process {pid}, has ended: it has to be made anew")]
    StaleOwner {
        /// The name.
        name: String,
        /// The process that made it.
        pid: u32,
    },
    /// What has this name in `/dev/shm` was not made by a program of this user with offspring.
    #[error("what has the name `{name}` was not made for this user by offspring: {reason}")]
    NotOurs {
        /// The name.
        name: String,
        /// What shows it.
        reason: String,
    },
    /// What has this name is of another type.
    #[error("`{name}` is of the type `{found}`, not `{expected}`")]
    OtherType {
        /// The name.
        name: String,
        /// What it is.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// What has this name was made by a program that was built in another way, whose types may lie differently in memory.
    #[error(
        "`{name}` belongs to a program with another version of offspring or of the compiler: build both with the same"
    )]
    OtherVersion {
        /// The name.
        name: String,
    },
}

impl NameError {
    pub(crate) fn taken(name: &str) -> Self {
        Self::Taken { name: name.to_owned() }
    }

    pub(crate) fn missing(name: &str) -> Self {
        Self::Missing { name: name.to_owned() }
    }

    pub(crate) fn not_ours(name: &str, reason: &str) -> Self {
        Self::NotOurs { name: name.to_owned(), reason: reason.to_owned() }
    }
}
