//! [`Process`]: the handle on a process that was started.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::family::{self, Child, Letter};
use super::join_error::JoinError;
use super::keeper;
use super::launch::Launch;
use super::signal::Signal;
use super::status::ExitStatus;
use super::supervise::{Line, Policy};
use crate::wire::handle::explain;
use crate::wire::{Unpack, unpack_by_serde};
use crate::{Error, Result};

/// A process that was started: wait for it, signal it, have its result.
///
/// Dropping the handle detaches the process: it runs on, and is reaped when it ends. What is no
/// daemon is waited for at the end of this process.
///
/// # Fork and death
/// When this process is killed, daemons among its children are killed by the kernel; the others run on.
/// When the child is killed, every wait for it ends.
pub struct Process<R> {
    line: Arc<Line>,
    /// The first child, whose descriptor [`AsFd`] lends.
    first: Arc<Child>,
    decode: fn(&mut Unpack<'_>) -> Result<R>,
}

impl<R> Process<R> {
    pub(crate) fn start(
        launch: Launch,
        policy: Option<Policy>,
        decode: fn(&mut Unpack<'_>) -> Result<R>,
    ) -> Result<Self> {
        let name = launch.name();
        let first = launch.start(&name)?;
        let supervised = policy.map(|policy| (policy, launch, name));
        let line = Arc::new(Line::new(Arc::clone(&first), supervised));
        if line.is_supervised() {
            keeper::watch(Arc::clone(&line));
        }
        Ok(Self { line, first, decode })
    }

    /// Waits for the end and gives what the function gave.
    ///
    /// # Errors
    /// [`JoinError`] says how the process ended without a result.
    pub fn join(self) -> Result<R, JoinError> {
        let status = self.wait().map_err(|error| JoinError::Lost(error.to_string()))?;
        if let Some(failure) = self.line.take_failure() {
            return Err(JoinError::NotStarted(Box::new(failure)));
        }
        let outcome = self.line.child().outcome(status, self.decode);
        match (outcome, self.line.given_up()) {
            (Err(last), Some(restarts)) => {
                Err(JoinError::GaveUp { restarts, last: Box::new(last) })
            }
            (outcome, _) => outcome,
        }
    }

    /// Waits for the end; can be repeated.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn wait(&self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.line.wait(None)? {
                return Ok(status);
            }
        }
    }

    /// Waits for the end, but no longer than this; `None` when it still runs: Python's `join(timeout)`.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<ExitStatus>> {
        // A timeout beyond the clock's end is none.
        self.line.wait(Instant::now().checked_add(timeout))
    }

    /// How it ended, `None` while it runs: Python's `exitcode`.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.wait_timeout(Duration::ZERO).ok().flatten()
    }

    /// Its process id; of the current one, if it is supervised.
    pub fn pid(&self) -> u32 {
        self.line.child().info.pid
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.first.info.name
    }

    /// Whether it still runs, or will be started again.
    pub fn is_alive(&self) -> bool {
        self.exit_status().is_none()
    }

    /// Whether it dies with this process.
    pub fn is_daemon(&self) -> bool {
        self.first.info.daemon
    }

    /// Asks it to end (SIGTERM); a supervised one is not started again. Nothing happens to a dead one.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses.
    pub fn terminate(&self) -> Result<()> {
        self.line.settle();
        self.signal(Signal::SIGTERM)
    }

    /// Ends it at once (SIGKILL); a supervised one is not started again. Nothing happens to a dead one.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses.
    pub fn kill(&self) -> Result<()> {
        self.line.settle();
        self.signal(Signal::SIGKILL)
    }

    /// Interrupts it as Ctrl-C does (SIGINT). Nothing happens to a dead one.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses.
    pub fn interrupt(&self) -> Result<()> {
        self.signal(Signal::SIGINT)
    }

    /// Sends it a signal; never reaches another process, whatever has become of its number.
    ///
    /// # Errors
    /// [`Error::System`] when there is no such signal or it may not be sent.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.line.child().signal(signal.number())
    }
}

/// Sends the handle to another process, which can wait for the process, signal it and see how it ended. (How one ended
/// that is not its child it hears from Linux 6.15 or later; or from `/proc`, as long as the parent has not waited for it.)
///
/// The parent reaps it all the same. The result of a daemon or a supervised process goes to its parent alone, and what is sent
/// of a supervised process is the child that runs at the moment.
impl<R> Serialize for Process<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letter = self.line.child().letter(!self.line.is_supervised());
        letter.map_err(|error| S::Error::custom(explain(error)))?.serialize(serializer)
    }
}

impl<'de, R: DeserializeOwned + 'static> Deserialize<'de> for Process<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let first = family::received(Letter::deserialize(deserializer)?);
        let line = Arc::new(Line::new(Arc::clone(&first), None));
        Ok(Self { line, first, decode: unpack_by_serde })
    }
}

impl<R> Drop for Process<R> {
    fn drop(&mut self) {
        // A supervised one is being watched already, another process's child by that process.
        if !(self.line.is_supervised() || self.first.is_stranger())
            && matches!(self.first.reap(), Ok(None) | Err(Error::System { .. }))
        {
            keeper::watch(Arc::clone(&self.line));
        }
    }
}

/// Readable when the process has ended: Python's `sentinel`. Of a supervised process it is the first
/// child's.
impl<R> AsFd for Process<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.first.pidfd()
    }
}

impl<R> fmt::Debug for Process<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Process");
        shown.field("name", &self.name()).field("pid", &self.pid());
        match self.exit_status() {
            None => shown.field("state", &"running"),
            Some(status) => shown.field("state", &"ended").field("exit", &format_args!("{status}")),
        };
        shown.finish_non_exhaustive()
    }
}
