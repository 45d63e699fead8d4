//! What a new process is told: which function to run, and in what surroundings.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::child;
use super::entry::CodeName;
use super::info::ProcessInfo;
use super::settings::StartMethod;
use super::start;
use crate::memory::statics;
use crate::sys::{limits, signal, standard};
use crate::wire::Unpack;
use crate::wire::frame::{self, Kind};
use crate::{Error, Result};

/// Everything about a task but its arguments. Descriptors are places in the message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) code: CodeName,
    pub(crate) name: String,
    pub(crate) daemon: bool,
    pub(crate) parent: ProcessInfo,
    /// Changes to the environment, in order; none as value removes a variable.
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) directory: Option<u32>,
    pub(crate) streams: [Option<u32>; 3],
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory: Option<u64>,
    pub(crate) nice: Option<i32>,
    /// How the child's own children start.
    pub(crate) start_method: StartMethod,
    /// The family's shared statics, for a process that has not inherited them.
    pub(crate) statics: Option<u32>,
}

impl Order {
    /// Gives this process the surroundings that the order asks for. The deadline comes first, so
    /// that nothing after it can take for ever; the memory limit last, so that it counts only the task's.
    ///
    /// # Errors
    /// [`Error::System`] naming what the system refused.
    pub(crate) fn arrange(&self, message: &mut Unpack<'_>) -> Result<()> {
        start::set_start_method(self.start_method);
        if let Some(place) = self.statics {
            statics::adopt(taken(message, place)?)?;
        }
        if let Some(timeout) = self.timeout
            && let Some(home) = child::home()
        {
            signal::die_after(timeout, home.as_fd(), &frame::bare(Kind::TimedOut))
                .map_err(Error::system("set the timeout"))?;
        }
        for (stream, place) in self.streams.iter().enumerate() {
            if let Some(place) = place {
                let descriptor = taken(message, *place)?;
                standard::replace(stream, descriptor.as_fd())
                    .map_err(Error::system("redirect a standard stream"))?;
            }
        }
        if let Some(place) = self.directory {
            let directory = taken(message, place)?;
            rustix::process::fchdir(&directory)
                .map_err(Error::system("enter the working directory"))?;
        }
        standard::change_environment(&self.environment);
        if let Some(nice) = self.nice {
            limits::set_nice(nice).map_err(Error::system("set the niceness"))?;
        }
        if let Some(bytes) = self.memory {
            limits::limit_memory(bytes).map_err(Error::system("limit the memory"))?;
        }
        Ok(())
    }
}

fn taken(message: &mut Unpack<'_>, place: u32) -> Result<OwnedFd> {
    message
        .descriptor(place)
        .ok_or_else(|| Error::Garbled { reason: "a descriptor did not come".to_owned() })
}
