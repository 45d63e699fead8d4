//! [`Task`]: a call of a function that has not happened yet.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::entry::Code;
use super::handle::Process;
use super::launch::{Launch, Options};
use super::settings::{Restart, Settings, StartMethod};
use super::stdio::Stdio;
use super::supervise::Policy;
use crate::Result;
use crate::wire::{Pack, Unpack};

/// A process that has not been started: function, arguments and options.
///
/// ```
/// use std::time::Duration;
/// use offspring::process;
///
/// #[process]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let task = square::task(12).name("twelve").timeout(Duration::from_secs(5)).nice(3);
/// let process = task.spawn()?;
/// assert_eq!(process.name(), "twelve");
/// assert_eq!(process.join()?, 144);
/// # Ok(())
/// # }
/// ```
#[must_use = "a task does nothing until it is spawned"]
pub struct Task<R> {
    code: Code,
    arguments: Pack,
    options: Options,
    policy: Option<Policy>,
    decode: fn(&mut Unpack<'_>) -> Result<R>,
}

/// What the macros make a task with.
pub fn task<R>(
    code: Code,
    arguments: Pack,
    settings: Settings,
    decode: fn(&mut Unpack<'_>) -> Result<R>,
) -> Task<R> {
    let policy = Policy::of(&settings);
    let options = Options::new(&settings);
    Task { code, arguments, options, policy, decode }
}

impl<R> Task<R> {
    /// Sets what the process is called, in `ps` too; by default the function's name with a number.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Sets whether the process dies with this one instead of being waited for.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.options.daemon = daemon;
        self
    }

    /// Sets how the process comes into being.
    pub fn start_method(mut self, method: StartMethod) -> Self {
        self.options.start = Some(method);
        self
    }

    /// Has the kernel kill the process when it has run for so long, whether anybody waits or not;
    /// joining it then gives [`JoinError::TimedOut`](crate::JoinError::TimedOut).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// Limits what the process may allocate, in bytes (`RLIMIT_DATA`; shared memory and code do not
    /// count). An allocation beyond it fails, which ends most programs with SIGABRT.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.memory = Some(bytes);
        self
    }

    /// Sets how much the process gives way to others, from -20 to 19; below 0 takes privilege.
    pub fn nice(mut self, value: i32) -> Self {
        self.options.nice = Some(value);
        self
    }

    /// Sets an environment variable of the process.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let variable = (key.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self.options.environment.push(variable);
        self
    }

    /// Sets the working directory of the process.
    pub fn current_dir(mut self, path: impl AsRef<Path>) -> Self {
        self.options.directory = Some(path.as_ref().to_owned());
        self
    }

    /// Sets standard input: empty by default.
    pub fn stdin(self, stream: impl Into<Stdio>) -> Self {
        self.stream(0, stream.into())
    }

    /// Sets standard output: this process's own by default.
    pub fn stdout(self, stream: impl Into<Stdio>) -> Self {
        self.stream(1, stream.into())
    }

    /// Sets standard error: this process's own by default.
    pub fn stderr(self, stream: impl Into<Stdio>) -> Self {
        self.stream(2, stream.into())
    }

    fn stream(mut self, number: usize, stream: Stdio) -> Self {
        self.options.streams[number] = Some(stream);
        self
    }

    /// Starts the task again when its process dies, panics or exits before it returns, so many times
    /// at the most; a returned `Err` is a result like any other.
    pub fn retry(mut self, times: u32) -> Self {
        self.policy = Policy::retry(times);
        self
    }

    /// Starts the process.
    ///
    /// # Errors
    /// [`Error::Encode`](crate::Error::Encode) when an argument cannot be sent,
    /// [`Error::ForkWithThreads`](crate::Error::ForkWithThreads),
    /// [`Error::NotLinked`](crate::Error::NotLinked), [`Error::NoProc`](crate::Error::NoProc),
    /// [`Error::Handshake`](crate::Error::Handshake) and [`Error::Preload`](crate::Error::Preload) by
    /// start method, [`Error::System`](crate::Error::System) when the system gives no process,
    /// memory or descriptor.
    ///
    /// # Fork and death
    /// Killed during the call, the caller leaves no process behind that has no task: one that waits
    /// for its task ends when its parent is gone.
    pub fn spawn(self) -> Result<Process<R>> {
        let launch = Launch::new(self.code, self.arguments, self.options)?;
        Process::start(launch, self.policy, self.decode)
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Policy {
    fn of(settings: &Settings) -> Option<Self> {
        match settings.restart {
            Restart::Never => Self::retry(settings.retry),
            when => Some(Self {
                when,
                max_restarts: settings.max_restarts,
                within: Some(settings.within),
                backoff: settings.backoff,
            }),
        }
    }

    fn retry(times: u32) -> Option<Self> {
        (times > 0).then_some(Self {
            when: Restart::OnFailure,
            max_restarts: times,
            within: None,
            backoff: (Duration::ZERO, Duration::ZERO),
        })
    }
}
