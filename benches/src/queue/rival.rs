//! Who takes part, and in what.

use super::case::{Case, Kind};

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Rival {
    Offspring,
    InPlace,
    Limit,
    Crossbeam,
    Kanal,
    Std,
    IpcChannel,
    Iceoryx,
    Pipe,
    Packets,
    Posix,
    PythonPipe,
    PythonSimpleQueue,
    PythonQueue,
}

impl Rival {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 14] = [
        Self::Offspring,
        Self::InPlace,
        Self::Limit,
        Self::Crossbeam,
        Self::Kanal,
        Self::Std,
        Self::IpcChannel,
        Self::Iceoryx,
        Self::Pipe,
        Self::Packets,
        Self::Posix,
        Self::PythonPipe,
        Self::PythonSimpleQueue,
        Self::PythonQueue,
    ];

    /// CPython's.
    pub const PYTHON: [Self; 3] = [Self::PythonPipe, Self::PythonSimpleQueue, Self::PythonQueue];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Offspring => "offspring",
            Self::InPlace => "offspring_in_place",
            Self::Limit => "ring_of_words",
            Self::Crossbeam => "crossbeam",
            Self::Kanal => "kanal",
            Self::Std => "std",
            Self::IpcChannel => "ipc_channel",
            Self::Iceoryx => "iceoryx2",
            Self::Pipe => "pipe",
            Self::Packets => "seqpacket",
            Self::Posix => "posix_mq",
            Self::PythonPipe => "cpython_pipe",
            Self::PythonSimpleQueue => "cpython_simple_queue",
            Self::PythonQueue => "cpython_queue",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Offspring => "**offspring `Queue` (survives kills)**",
            Self::InPlace => "**the same, written and read in place**",
            Self::Limit => "a ring of words, 1:1, spinning: the limit",
            Self::Crossbeam => "crossbeam-channel (threads)",
            Self::Kanal => "kanal (threads)",
            Self::Std => "`std::sync::mpsc` (threads)",
            Self::IpcChannel => "ipc-channel",
            Self::Iceoryx => "iceoryx2, polled, in place",
            Self::Pipe => "pipe",
            Self::Packets => "`SOCK_SEQPACKET`",
            Self::Posix => "POSIX `mq`",
            Self::PythonPipe => "CPython `Pipe`",
            Self::PythonSimpleQueue => "CPython `SimpleQueue`",
            Self::PythonQueue => "CPython `Queue`",
        }
    }

    /// The rival with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rival| rival.key() == key)
    }

    /// What the script of CPython's agent calls it.
    pub fn python(self) -> Option<&'static str> {
        match self {
            Self::PythonPipe => Some("Pipe"),
            Self::PythonSimpleQueue => Some("SimpleQueue"),
            Self::PythonQueue => Some("Queue"),
            _ => None,
        }
    }

    /// Whether it has what the case needs.
    pub fn takes(self, case: Case) -> bool {
        use Case as C;
        let alone = case.pairs() == 1;
        let single = case.batch() == 1;
        match self {
            Self::Offspring => true,
            Self::InPlace => single && case.size() > 8 && case != C::Idle,
            Self::Limit => matches!(case, C::One8 | C::Batch8),
            Self::Crossbeam => case != C::Idle,
            Self::Kanal => single && !matches!(case, C::Four64 | C::Idle),
            Self::Std | Self::IpcChannel => single && alone && case != C::Idle,
            // It never sleeps: who shares a processor waits until the other's time is over.
            Self::Iceoryx => single && alone && case != C::Idle && !case.on_one_processor(),
            Self::Pipe | Self::PythonSimpleQueue | Self::PythonQueue => true,
            Self::Packets => single && !matches!(case, C::Four64 | C::Idle),
            // 8 KiB is the most that the system allows by itself.
            Self::Posix => single && case.size() <= 1 << 13 && !matches!(case, C::Four64 | C::Idle),
            Self::PythonPipe => alone && case.kind() != Kind::Idle,
        }
    }
}
