//! What the children of a fork server must be told because it is another process: where this process
//! stands now, compared to where it stood when the server was started.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat, stat};
use rustix::process::{Gid, Uid};

use crate::memory::statics;
use crate::sys::standard;
use crate::{Error, Result};

type File = Option<(u64, u64)>;

/// What a child takes over from its parent besides the task.
#[derive(Debug)]
pub(crate) struct Ambient {
    directory: File,
    output: [File; 2],
    environment: Vec<(OsString, OsString)>,
    who: (Uid, Gid),
}

/// What is to be changed in a child of the server.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) directory: Option<OwnedFd>,
    pub(crate) output: [Option<OwnedFd>; 2],
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) statics: Option<Arc<OwnedFd>>,
}

impl Changes {
    /// For a process that has inherited everything but the shared statics.
    pub(crate) fn fresh() -> Result<Self> {
        Ok(Self { statics: statics::descriptor()?, ..Self::default() })
    }
}

impl Ambient {
    /// How things stand now.
    pub(crate) fn now() -> Self {
        Self {
            directory: directory(),
            output: output(),
            environment: std::env::vars_os().collect(),
            who: who(),
        }
    }

    /// Whether this process acts for somebody else now, as whom a server of before cannot fork.
    pub(crate) fn is_of_another_user(&self) -> bool {
        self.who != who()
    }

    /// What is different now.
    pub(crate) fn changes(&self) -> Result<Changes> {
        let mut changes = Changes { environment: self.environment_changes(), ..Changes::default() };
        if directory() != self.directory {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = openat(CWD, c".", flags, Mode::empty());
            changes.directory = Some(opened.map_err(Error::system("open the working directory"))?);
        }
        for (place, identity) in output().into_iter().enumerate() {
            if identity != self.output[place] {
                changes.output[place] = standard::current(place + 1)
                    .map_err(Error::system("copy a standard stream"))?;
            }
        }
        Ok(changes)
    }

    fn environment_changes(&self) -> Vec<(OsString, Option<OsString>)> {
        let before = &self.environment;
        if std::env::vars_os().eq(before.iter().cloned()) {
            return Vec::new();
        }
        let now: Vec<_> = std::env::vars_os().collect();
        let removed = before.iter().filter(|(key, _)| now.iter().all(|(other, _)| other != key));
        let set = now.iter().filter(|variable| !before.contains(variable));
        removed
            .map(|(key, _)| (key.clone(), None))
            .chain(set.map(|(key, value)| (key.clone(), Some(value.clone()))))
            .collect()
    }
}

fn directory() -> File {
    stat(c".").ok().map(|stat| (stat.st_dev, stat.st_ino))
}

fn who() -> (Uid, Gid) {
    (rustix::process::geteuid(), rustix::process::getegid())
}

fn output() -> [File; 2] {
    [standard::identity(1), standard::identity(2)]
}
