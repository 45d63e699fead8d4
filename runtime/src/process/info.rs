//! Who this process is, and who started it.

use std::os::fd::AsFd as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::sync::deadlock;
use crate::sys::{self, pidfd, poll};
use crate::{Error, Result};

/// A process of the family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Its process id.
    pub pid: u32,
    /// Its name: `main` for the first process, else the task's.
    pub name: String,
    /// Whether it dies with its parent.
    pub daemon: bool,
}

struct Identity {
    current: Option<ProcessInfo>,
    parent: Option<ProcessInfo>,
}

static IDENTITY: Mutex<Identity> = Mutex::new(Identity { current: None, parent: None });

fn identity() -> MutexGuard<'static, Identity> {
    IDENTITY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says who this child is.
pub(crate) fn become_child(current: ProcessInfo, parent: ProcessInfo) {
    deadlock::introduce(&current.name);
    *identity() = Identity { current: Some(current), parent: Some(parent) };
}

/// Whether this process is one that dies with its parent.
pub(crate) fn is_daemon() -> bool {
    identity().current.as_ref().is_some_and(|current| current.daemon)
}

/// This process: Python's `current_process()`.
///
/// ```
/// assert_eq!(offspring::process::current().pid, std::process::id());
/// ```
pub fn current() -> ProcessInfo {
    identity().current.clone().unwrap_or_else(|| ProcessInfo {
        pid: sys::own_pid(),
        name: "main".to_owned(),
        daemon: false,
    })
}

/// The process that started this one; `None` in the first process of the program.
pub fn parent() -> Option<ProcessInfo> {
    identity().parent.clone()
}

impl ProcessInfo {
    /// Whether the process lives: true for this process itself, its parent and its children as long as they
    /// do; false for one that is neither (its number may by now be another's).
    pub fn is_alive(&self) -> bool {
        self.pid == sys::own_pid() || matches!(self.wait_timeout(Duration::ZERO), Ok(false))
    }

    /// Waits until the process has ended; whether it has.
    ///
    /// # Errors
    /// [`Error::System`] when no descriptor is left to watch it with.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        let deadline = Instant::now().checked_add(timeout);
        if let Some(child) = super::family::find(self.pid) {
            return child.wait(deadline).map(|ended| ended.is_some());
        }
        let handle = match pidfd::open(self.pid) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::SRCH) => return Ok(true),
            Err(error) => return Err(Error::system("watch a process")(error)),
        };
        // The number can have become another process's only if this process was handed to another
        // parent meanwhile, so asking after opening makes the answer sure.
        if !sys::is_parent(self.pid) {
            return Ok(true);
        }
        poll::wait_one(handle.as_fd(), deadline).map_err(Error::system("watch a process"))
    }
}
