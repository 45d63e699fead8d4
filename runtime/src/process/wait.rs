//! Waiting for several processes at once.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::handle::Process;
use crate::sys::poll;
use crate::{Error, Result};

/// Waits until at least one of the processes has ended, or until time is up; gives the positions
/// of those that have, in the order given, none when time ran out.
///
/// ```
/// use offspring::process;
///
/// #[process]
/// fn nothing() {}
///
/// # fn main() -> offspring::Result<()> {
/// let (a, b) = (nothing::spawn()?, nothing::spawn()?);
/// assert!(!process::wait_any(&[&a, &b], None)?.is_empty());
///
/// let many = [a, b];
/// let all: Vec<&dyn process::Waitable> = many.iter().map(|one| one as _).collect();
/// assert!(!process::wait_any(&all, None)?.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::System`] when the system refuses to wait.
pub fn wait_any(processes: &[&dyn Waitable], timeout: Option<Duration>) -> Result<Vec<usize>> {
    // A timeout beyond the clock's end is none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let descriptors: Vec<_> = processes.iter().map(|process| process.as_fd()).collect();
    poll::wait(&descriptors, deadline).map_err(Error::system("wait for processes"))
}

/// A process of any result, as [`wait_any`] takes it.
pub trait Waitable: AsFd {}

impl<R> Waitable for Process<R> {}
