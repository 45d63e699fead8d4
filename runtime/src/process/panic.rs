//! Panics of a child: printed once with its name, sent home as data.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::fmt;
use std::panic::PanicHookInfo;

use serde::{Deserialize, Serialize};

use super::{child, info};

/// A panic in another process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Panic {
    /// What the panic said.
    pub message: String,
    /// Where: `file:line:column`.
    pub location: Option<String>,
    /// How it came there, one frame after another.
    pub backtrace: Option<String>,
    /// In which thread: `main` unless the task has named others.
    pub thread: Option<String>,
    /// The name of the process; boxed so that no `Result` of ours is large in clippy's eyes.
    pub process: Box<str>,
    /// The id of the process.
    pub pid: u32,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, pid, message, .. } = self;
        write!(f, "{process} (pid {pid}) panicked")?;
        if let Some(location) = &self.location {
            write!(f, " at {location}")?;
        }
        write!(f, ": {message}")
    }
}

thread_local! {
    /// The panic under way in this thread.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Reports panics of this process in its name instead of std's way.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let seen = Panic::seen(panic);
        eprintln!("[{}] {}", seen.process, seen.as_report());
        // Where unwinding ends in an abort, this is the last chance to tell the parent: when the
        // program was built so, or when a destructor panics while a panic unwinds.
        let earlier = LAST.replace(Some(seen.clone()));
        if cfg!(panic = "abort") || earlier.is_some() {
            child::leave_note(&seen);
        }
    }));
}

/// The panic that `catch_unwind` has just caught in this thread.
pub(crate) fn caught(payload: &(dyn Any + Send)) -> Panic {
    LAST.take().unwrap_or_else(|| {
        // The task has set a hook of its own, so that only the payload is known.
        let info::ProcessInfo { pid, name, .. } = info::current();
        let message = text_of(payload);
        Panic { message, location: None, backtrace: None, thread: None, process: name.into(), pid }
    })
}

impl Panic {
    fn seen(panic: &PanicHookInfo<'_>) -> Self {
        let info::ProcessInfo { pid, name, .. } = info::current();
        Self {
            message: text_of(panic.payload()),
            location: panic.location().map(ToString::to_string),
            backtrace: Some(Backtrace::force_capture().to_string()),
            thread: thread_name(),
            process: name.into(),
            pid,
        }
    }

    fn as_report(&self) -> String {
        let thread = self.thread.as_deref().unwrap_or("<unnamed>");
        let location = self.location.as_deref().unwrap_or("an unknown place");
        let mut report = format!("thread '{thread}' panicked at {location}:\n{}", self.message);
        let wanted = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        if let Some(backtrace) = self.backtrace.as_ref().filter(|_| wanted) {
            report.push_str("\nstack backtrace:\n");
            report.push_str(backtrace);
        }
        report
    }
}

/// std names the main thread just before `main`, which a child of the fork server never enters.
fn thread_name() -> Option<String> {
    let is_main =
        rustix::thread::gettid().as_raw_nonzero() == rustix::process::getpid().as_raw_nonzero();
    match std::thread::current().name() {
        Some(name) => Some(name.to_owned()),
        None => is_main.then(|| "main".to_owned()),
    }
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic with a payload that is not text".to_owned())
}
