//! Panics of a child: printed once with its name, sent home as data.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;

use serde::{Deserialize, Serialize};

use super::{child, info};
use crate::wire::frame::Kind;

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

/// A panic as the hook saw it. Naming the frames takes long (100 ms in a large debug build), and most
/// panics that a task catches itself are never reported: that waits until it is asked for.
struct Seen {
    panic: Panic,
    frames: Backtrace,
}

thread_local! {
    /// The last panic of this thread.
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Reports panics of this process in its name instead of std's way.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let mut seen = Seen::now(info);
        // A closed stream is the user's choice; a panic in here would be an abort.
        let report = seen.report();
        let _ = writeln!(io::stderr(), "[{}] {report}", seen.panic.process);
        // Where unwinding ends in an abort, this is the last chance to tell the parent.
        if cfg!(panic = "abort") {
            seen.name_frames();
            child::send_home(Kind::PanicNote, &seen.panic);
        } else if ENDINGS.contains(&seen.panic.message.as_str()) {
            // The cause is the panic before, which core is unable to unwind from.
            let mut cause = LAST.take().unwrap_or(seen);
            cause.name_frames();
            child::send_home(Kind::PanicNote, &cause.panic);
        } else {
            LAST.set(Some(seen));
        }
    }));
}

/// What core says in a panic of its own right before it aborts.
const ENDINGS: [&str; 2] =
    ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

/// The panic that `catch_unwind` has just caught in this thread.
pub(crate) fn caught(payload: &(dyn Any + Send)) -> Panic {
    match LAST.take() {
        Some(mut seen) => {
            seen.name_frames();
            seen.panic
        }
        // The task has set a hook of its own, so that only the payload is known.
        None => Panic::new(text_of(payload)),
    }
}

impl Panic {
    fn new(message: String) -> Self {
        let info::ProcessInfo { pid, name, .. } = info::current();
        Self { message, location: None, backtrace: None, thread: None, process: name.into(), pid }
    }
}

impl Seen {
    fn now(info: &PanicHookInfo<'_>) -> Self {
        let panic = Panic {
            location: info.location().map(ToString::to_string),
            thread: thread_name(),
            ..Panic::new(text_of(info.payload()))
        };
        Self { panic, frames: Backtrace::force_capture() }
    }

    fn name_frames(&mut self) {
        let frames = self.frames.to_string();
        self.panic.backtrace = Some(trimmed(&frames).unwrap_or(&frames).to_owned());
    }

    fn report(&mut self) -> String {
        let wanted = std::env::var("RUST_BACKTRACE").unwrap_or_default();
        if !matches!(wanted.as_str(), "" | "0") {
            self.name_frames();
        }
        let Panic { thread, location, message, .. } = &self.panic;
        let thread = thread.as_deref().unwrap_or("<unnamed>");
        let location = location.as_deref().unwrap_or("an unknown place");
        let mut report = format!("thread '{thread}' panicked at {location}:\n{message}");
        if wanted == "full" {
            report.push_str(&format!("\nstack backtrace:\n{}", self.frames));
        } else if let Some(backtrace) = &self.panic.backtrace {
            report.push_str(&format!("\nstack backtrace:\n{backtrace}"));
        }
        report
    }
}

/// The frames of the task, without those of the panic above and of this library below.
fn trimmed(frames: &str) -> Option<&str> {
    let above = frames.rfind("core::panicking::").or_else(|| frames.rfind("rust_begin_unwind"))?;
    // The frame ends with its place in the source, if that is known, on a line of its own.
    let line_end = above + frames[above..].find('\n')? + 1;
    let next = frames[line_end..].lines().next()?;
    let start =
        if next.trim_start().starts_with("at ") { line_end + next.len() + 1 } else { line_end };
    let below = frames[start..].find("__offspring_run")?;
    let end = start + frames[start..start + below].rfind('\n')? + 1;
    (start < end).then(|| &frames[start..end])
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
