//! [`JoinError`]: why a task has no result.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::panic::Panic;
use super::signal::Signal;

/// Why a process that was joined has no result to give.
///
/// ```
/// use offspring::{JoinError, process};
///
/// #[process]
/// fn leave(code: i32) -> u32 {
///     std::process::exit(code)
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let error = leave::spawn(3)?.join().unwrap_err();
/// assert!(matches!(error, JoinError::Exited(3)));
/// # Ok(())
/// # }
/// ```
///
/// `Debug` is the same sentence as `Display`: it is what `unwrap` says.
#[derive(Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The task panicked.
    #[error("{0}")]
    Panicked(Panic),
    /// The task ended its process with this code before it returned.
    #[error("the process ended with exit code {0} before its task returned")]
    Exited(i32),
    /// The process was killed by this signal.
    #[error("the process was killed by {0}")]
    Signaled(Signal),
    /// The process was killed because it ran longer than its timeout.
    #[error("the process was killed after its timeout of {0:?}")]
    TimedOut(Duration),
    /// The process could not be started, or not again.
    #[error("the process could not be started: {0}")]
    NotStarted(Box<crate::Error>),
    /// The supervised process died more often than its restart budget allows; this is its last death.
    #[error("restarted {restarts} times and given up: {last}")]
    GaveUp {
        /// How often it was restarted.
        restarts: u32,
        /// How it ended the last time.
        last: Box<JoinError>,
    },
    /// The task may have returned, but its result is lost; the text says why.
    #[error("its result is lost: {0}")]
    Lost(String),
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
