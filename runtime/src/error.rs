//! The one error type of the crate, so that `?` works from any operation of ours to any other.

use std::io;

use thiserror::Error as ThisError;

/// What [`offspring::Error`](Error) is the error of.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong outside the task itself.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed; `action` says what was being done.
    #[error("cannot {action}: {source}")]
    System {
        /// What was being done, as the end of the sentence "cannot …".
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An input or output error of the user's own code, carried by `?`.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Shared memory that was handed over is not what its receiver expects.
    #[error("this shared memory cannot be used as `{expected}`: {reason}")]
    Layout {
        /// The type that the receiver wanted.
        expected: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// A lock could not be had.
    #[error(transparent)]
    Lock(#[from] crate::sync::LockError),
}

impl Error {
    /// A failed system call: `Error::system("create shared memory")(io_error)`.
    pub(crate) fn system<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { action, source: source.into() }
    }
}
