//! [`ExitStatus`]: how a process ended.

use std::fmt;

use super::signal::Signal;
use crate::sys::pidfd::End;

/// How a process ended: Python's `exitcode`, std's `ExitStatus`.
///
/// A task that returned has code 0, one that panicked has 101 as any Rust program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    end: End,
}

impl ExitStatus {
    pub(crate) fn new(end: End) -> Self {
        Self { end }
    }

    /// Whether it ended with code 0.
    pub fn success(&self) -> bool {
        self.code() == Some(0)
    }

    /// The exit code, unless it was killed by a signal.
    pub fn code(&self) -> Option<i32> {
        match self.end {
            End::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that killed it, if one did.
    pub fn signal(&self) -> Option<Signal> {
        match self.end {
            End::Signaled { signal, .. } => Some(Signal::from(signal)),
            _ => None,
        }
    }

    /// Whether the system wrote a core dump.
    pub fn core_dumped(&self) -> bool {
        matches!(self.end, End::Signaled { core_dumped: true, .. })
    }

    pub(crate) fn end(&self) -> End {
        self.end
    }
}

impl fmt::Debug for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExitStatus({self})")
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Exited(code) => write!(f, "exit code {code}"),
            End::Signaled { signal, core_dumped } => {
                write!(f, "killed by {}", Signal::fatal(signal, core_dumped, false))
            }
            End::Unknown => f.write_str("ended, its status taken by somebody else"),
        }
    }
}
