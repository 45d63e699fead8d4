//! A task ready to be started, as often as need be: its code, its packed arguments, its options.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};

use super::entry::Code;
use super::family::{self, Born, Child};
use super::order::Order;
use super::settings::{Settings, StartMethod};
use super::start::{self, ambient::Changes, fork, forkserver, handshake, spawn};
use super::stdio::{Stdio, Stream};
use super::{child, info, names};
use crate::sys::{image, standard};
use crate::wire::Pack;
use crate::wire::frame::{self, Kind};
use crate::{Error, Result};

/// Waiting children that were killed before they got a task are passed over, so many at the most.
const ATTEMPTS: usize = 16;

/// What it takes to start a task.
#[derive(Debug)]
pub(crate) struct Launch {
    code: Code,
    arguments: Vec<u8>,
    descriptors: Vec<Arc<OwnedFd>>,
    pub(crate) options: Options,
}

/// What a caller can choose.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    base_name: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) daemon: bool,
    pub(crate) start: Option<StartMethod>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory: Option<u64>,
    pub(crate) nice: Option<i32>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) streams: [Option<Stdio>; 3],
}

impl Options {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            base_name: settings.base_name,
            name: settings.fixed_name.map(str::to_owned),
            daemon: settings.daemon,
            start: settings.start,
            timeout: settings.timeout,
            memory: settings.memory,
            nice: settings.nice,
            environment: Vec::new(),
            directory: None,
            streams: [None, None, None],
        }
    }
}

impl Launch {
    pub(crate) fn new(code: Code, arguments: Pack, options: Options) -> Result<Self> {
        let (arguments, descriptors) = arguments.finish()?;
        let impossible = |(key, value): &&(OsString, Option<OsString>)| {
            let [key, value] =
                [key.as_bytes(), value.as_ref().map_or(b"", |value| value.as_bytes())];
            key.is_empty() || key.contains(&b'=') || [key, value].concat().contains(&0)
        };
        if let Some((key, _)) = options.environment.iter().find(impossible) {
            let name = format!("the environment variable {}", key.display());
            let reason = "its name is empty or has a `=`, or there is a NUL in it".to_owned();
            return Err(Error::Encode { name, reason });
        }
        Ok(Self { code, arguments, descriptors, options })
    }

    /// The name of the process: the one that was chosen, or the function's with the next number.
    pub(crate) fn name(&self) -> String {
        self.options.name.clone().unwrap_or_else(|| names::next(self.options.base_name))
    }

    /// Starts a process under this name.
    ///
    /// # Errors
    /// Those of the start method; [`Error::System`] when the working directory cannot be opened or
    /// the task not sent.
    pub(crate) fn start(&self, name: &str) -> Result<Arc<Child>> {
        self.start_by(self.options.start.unwrap_or_else(start::start_method), name)
    }

    /// Starts it once more, from a thread beside the program's own: a copy of this process is then out
    /// of the question, and the fork server gives what comes nearest.
    ///
    /// # Errors
    /// As [`Launch::start`].
    pub(crate) fn start_again(&self, name: &str) -> Result<Arc<Child>> {
        match self.options.start.unwrap_or_else(start::start_method) {
            StartMethod::Fork => self.start_by(StartMethod::ForkServer, name),
            method => self.start_by(method, name),
        }
    }

    fn start_by(&self, method: StartMethod, name: &str) -> Result<Arc<Child>> {
        if method != StartMethod::Fork && !image::contains(self.code.address()) {
            return Err(Error::NotLinked { task: name.to_owned() });
        }
        // Children of a daemon are daemons, or they would outlive the family.
        let daemon = self.options.daemon || info::is_daemon();
        for _ in 0..ATTEMPTS {
            let (born, changes) = match method {
                StartMethod::ForkServer => forkserver::take()?,
                StartMethod::Fork => (fork::take()?, Changes::default()),
                StartMethod::Spawn => (spawn::take()?, Changes::fresh()?),
            };
            let timeout = self.options.timeout.map(|limit| (limit, Instant::now()));
            match self.instruct(&born, name, daemon, changes) {
                Ok(true) => {
                    return Ok(family::add(born, name.to_owned(), daemon, timeout));
                }
                Ok(false) => handshake::end(born),
                Err(error) => {
                    handshake::end(born);
                    return Err(error);
                }
            }
        }
        Err(Error::Handshake { what: "process", reason: "each one ended at once".to_owned() })
    }

    /// Gives a new process its task; whether it was there to take it.
    fn instruct(&self, born: &Born, name: &str, daemon: bool, changes: Changes) -> Result<bool> {
        let mut descriptors = self.descriptors.clone();
        let order = self.order(name, daemon, changes, &mut descriptors)?;
        let mut pack = Pack::new();
        pack.put(&order, "order");
        pack.put_bytes(&self.arguments);
        let (bytes, _) = pack.finish()?;
        match frame::send(&born.socket, Kind::Task, &bytes, &descriptors, true) {
            Ok(()) => Ok(true),
            Err(error) if child::is_gone(&error) => Ok(false),
            Err(error) => Err(Error::system("send a task to its process")(error)),
        }
    }

    fn order(
        &self,
        name: &str,
        daemon: bool,
        changes: Changes,
        descriptors: &mut Vec<Arc<OwnedFd>>,
    ) -> Result<Order> {
        let options = &self.options;
        let mut place = |descriptor: Arc<OwnedFd>| {
            descriptors.push(descriptor);
            descriptors.len() as u32 - 1
        };
        let mut streams = [None; 3];
        let [output, error_output] = changes.output;
        let inherited = [None, output, error_output];
        for (stream, inherited) in inherited.into_iter().enumerate() {
            streams[stream] =
                source(options.streams[stream].as_ref(), stream, inherited)?.map(&mut place);
        }
        let directory = match &options.directory {
            None => changes.directory,
            Some(path) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let opened = open(path, flags, Mode::empty()).map_err(|errno| {
                    let text = format!("{}: {errno}", path.display());
                    let source = std::io::Error::new(errno.kind(), text);
                    Error::System { action: "enter the working directory of a task", source }
                })?;
                Some(opened)
            }
        };
        Ok(Order {
            code: self.code.name(),
            name: name.to_owned(),
            daemon,
            parent: info::current(),
            environment: [changes.environment, options.environment.clone()].concat(),
            directory: directory.map(Arc::new).map(&mut place),
            streams,
            timeout: options.timeout,
            memory: options.memory,
            nice: options.nice,
            start_method: start::start_method(),
            statics: changes.statics.map(place),
        })
    }
}

/// What a stream of the child is to be; `None` leaves it as the start method makes it: input from
/// nowhere, output to where the parent's goes.
fn source(
    chosen: Option<&Stdio>,
    stream: usize,
    inherited: Option<OwnedFd>,
) -> Result<Option<Arc<OwnedFd>>> {
    let own = match chosen.map(|stdio| &stdio.0) {
        None => inherited,
        Some(Stream::Inherit) => {
            standard::current(stream).map_err(Error::system("copy a standard stream"))?
        }
        Some(Stream::Null) => Some(standard::null().map_err(Error::system("open /dev/null"))?),
        Some(Stream::Descriptor(descriptor)) => return Ok(Some(Arc::clone(descriptor))),
    };
    Ok(own.map(Arc::new))
}
