//! The ways to start a process: ours and the rivals', in the order of the table.
//!
//! crossmist is not among them: 1.1.2 panics at its first spawn when built with Rust 1.95, because it
//! asks whether a type is `Copy` by a specialisation in `[T; N]::clone` that std no longer has.

/// One way to start something that runs beside its starter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Way {
    BareFork,
    ForkServer,
    Fork,
    Spawn,
    PosixSpawn,
    Command,
    Thread,
    Procspawn,
    PythonFork,
    PythonForkServer,
    PythonSpawn,
}

impl Way {
    /// All of them; the measure of all comes first, ours next to it, so that a machine whose speed
    /// drifts drifts little between the two.
    pub const ALL: [Self; 11] = [
        Self::BareFork,
        Self::ForkServer,
        Self::Fork,
        Self::Spawn,
        Self::PosixSpawn,
        Self::Command,
        Self::Thread,
        Self::Procspawn,
        Self::PythonFork,
        Self::PythonForkServer,
        Self::PythonSpawn,
    ];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::BareFork => "bare_fork",
            Self::ForkServer => "offspring_forkserver",
            Self::Fork => "offspring_fork",
            Self::Spawn => "offspring_spawn",
            Self::PosixSpawn => "posix_spawn",
            Self::Command => "command",
            Self::Thread => "thread",
            Self::Procspawn => "procspawn",
            Self::PythonFork => "cpython_fork",
            Self::PythonForkServer => "cpython_forkserver",
            Self::PythonSpawn => "cpython_spawn",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::BareFork => "bare `fork` + `_exit` + `waitpid`",
            Self::ForkServer => "**offspring, fork server (default)**",
            Self::Fork => "**offspring, fork**",
            Self::Spawn => "**offspring, spawn**",
            Self::PosixSpawn => "`posix_spawn` of a program that does nothing",
            Self::Command => "`std::process::Command` of the same",
            Self::Thread => "`std::thread`",
            Self::Procspawn => "procspawn",
            Self::PythonFork => "CPython `Process`, fork",
            Self::PythonForkServer => "CPython `Process`, forkserver",
            Self::PythonSpawn => "CPython `Process`, spawn",
        }
    }

    /// The way with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.key() == key)
    }

    /// CPython's name for the start method, where CPython does the starting.
    pub fn python_method(self) -> Option<&'static str> {
        match self {
            Self::PythonFork => Some("fork"),
            Self::PythonForkServer => Some("forkserver"),
            Self::PythonSpawn => Some("spawn"),
            _ => None,
        }
    }
}
