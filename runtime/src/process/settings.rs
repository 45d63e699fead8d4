//! What an attribute says about its task, checked by the macro and kept as a constant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a process comes into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StartMethod {
    /// A helper of the same executable, started on first use, forks on request: the default.
    ///
    /// Safe whatever threads run, and its cost does not grow with this process's memory. The child has
    /// this process's environment, working directory and standard output as they are at `spawn`, but
    /// not its other globals; resource limits, umask and processor affinity are those that this process
    /// had at its first spawn. After a change of user the helper is replaced.
    #[default]
    ForkServer,
    /// A copy of this process as it is now; refused with
    /// [`Error::ForkWithThreads`](crate::Error::ForkWithThreads) when other threads run. What is started
    /// again after its death comes from the fork server: the thread that sees to it cannot fork.
    Fork,
    /// The executable is started anew.
    Spawn,
}

/// When a supervised process is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Not at all.
    Never,
    /// When it did not return: it panicked, exited or was killed.
    OnFailure,
    /// However it ended.
    Always,
}

/// The options of `#[process]` and `#[daemon]`.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What a process is called, a number added, unless `fixed_name` says otherwise.
    pub(crate) base_name: &'static str,
    pub(crate) fixed_name: Option<&'static str>,
    pub(crate) start: Option<StartMethod>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory: Option<u64>,
    pub(crate) nice: Option<i32>,
    pub(crate) daemon: bool,
    pub(crate) retry: u32,
    pub(crate) restart: Restart,
    pub(crate) max_restarts: u32,
    pub(crate) within: Duration,
    pub(crate) backoff: (Duration, Duration),
}

/// One method an option.
macro_rules! options {
    ($($(#[$doc:meta])* $method:ident($($value:ident: $type:ty),*) => $field:ident = $set:expr;)*) => {
        impl Settings {
            $(
                $(#[$doc])*
                #[must_use]
                pub const fn $method(mut self, $($value: $type),*) -> Self {
                    self.$field = $set;
                    self
                }
            )*
        }
    };
}

options! {
    /// `name = "…"`
    name(name: &'static str) => fixed_name = Some(name);
    /// `start = "…"`
    start(method: StartMethod) => start = Some(method);
    /// `timeout = "5s"`
    timeout(limit: Duration) => timeout = Some(limit);
    /// `memory = "512MiB"`
    memory(bytes: u64) => memory = Some(bytes);
    /// `nice = 5`
    nice(value: i32) => nice = Some(value);
    /// `daemon`
    daemon(is: bool) => daemon = is;
    /// `retry = 3`
    retry(times: u32) => retry = times;
    /// `restart = "…"`
    restart(when: Restart) => restart = when;
    /// `max_restarts = 5`
    max_restarts(times: u32) => max_restarts = times;
    /// `within = "10s"`
    within(period: Duration) => within = period;
    /// `backoff = "100ms..5s"`
    backoff(least: Duration, most: Duration) => backoff = (least, most);
}

impl Settings {
    /// The defaults for a task of this name.
    pub const fn new(base_name: &'static str) -> Self {
        Self {
            base_name,
            fixed_name: None,
            start: None,
            timeout: None,
            memory: None,
            nice: None,
            daemon: false,
            retry: 0,
            restart: Restart::Never,
            max_restarts: 5,
            within: Duration::from_secs(10),
            backoff: (Duration::from_millis(100), Duration::from_secs(5)),
        }
    }
}
