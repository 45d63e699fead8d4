//! The one error type of the crate, so that `?` works from any operation of ours to any other.

use std::{fmt, io};

use thiserror::Error as ThisError;

/// What [`offspring::Error`](Error) is the error of.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong outside the task itself.
///
/// `Debug` is the same sentence as `Display`: it is what a program says whose `main` returns an error.
#[derive(ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed; `action` says what was being done.
    #[error("cannot {action}: {source}")]
    System {
        /// What was being done, as the end of the sentence "cannot …".
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An input or output error of the user's own code, carried by `?`.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An error of this type that a task returned in another process, as its text.
    #[error(transparent)]
    Remote(#[from] crate::RemoteError),
    /// Shared memory that was handed over is not what its receiver expects.
    #[error("this shared memory cannot be used as `{expected}`: {reason}")]
    Layout {
        /// The type that the receiver wanted.
        expected: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// An argument or message cannot be turned into bytes.
    #[error("`{name}` cannot be sent to another process: {reason}")]
    Encode {
        /// The parameter's name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Bytes that came are not the value that was expected.
    #[error("`{name}` did not arrive: {reason}")]
    Decode {
        /// The parameter's name, or `result`.
        name: String,
        /// Why not.
        reason: String,
    },
    /// What came over a socket is not a message of ours.
    #[error("a message from another process is garbled: {reason}")]
    Garbled {
        /// What is wrong with it.
        reason: String,
    },
    /// `StartMethod::Fork` was asked for while other threads run, whose locks a copy would find held.
    #[error(
        "cannot fork while {threads} threads run: use the start method \"forkserver\" or \"spawn\", or \
         fork before starting threads"
    )]
    ForkWithThreads {
        /// How many threads this process has.
        threads: usize,
    },
    /// `StartMethod::Fork` was asked for while this thread holds a lock in shared memory, which its copy
    /// would hold as well.
    #[error(
        "cannot fork while this thread holds a lock in shared memory: drop its guard first, or use the \
         start method \"forkserver\" or \"spawn\""
    )]
    ForkWithLock,
    /// `/proc` is not mounted, through which the executable is found again.
    #[error(
        "cannot start a process without /proc, through which the executable is found: mount it, or \
         use the start method \"fork\""
    )]
    NoProc,
    /// The task's code is not in the program's main executable, where a new process would look for it.
    #[error(
        "`{task}` is not part of the main executable: link the crate that defines it, and offspring, \
         into the executable instead of a shared library, or use the start method \"fork\""
    )]
    NotLinked {
        /// The task.
        task: String,
    },
    /// A new process of this executable ended, hung or spoke nonsense before it reached its task.
    #[error("the {what} did not start: {reason}")]
    Handshake {
        /// `fork server` or `process`.
        what: &'static str,
        /// What happened.
        reason: String,
    },
    /// A `#[preload]` function panicked in the fork server.
    #[error("a preload function failed in the fork server: {reason}")]
    Preload {
        /// The panic's message.
        reason: String,
    },
    /// The child's executable has no such task, or two that cannot be told apart.
    #[error("this executable has no task `{path}`")]
    UnknownTask {
        /// The function's path.
        path: String,
    },
    /// A process could not make itself ready for its task: a limit it may not set, an argument that
    /// did not arrive.
    #[error("{process} could not begin its task: {reason}")]
    Refused {
        /// The process's name.
        process: String,
        /// What it could not do.
        reason: String,
    },
    /// A process was joined and has no result.
    #[error(transparent)]
    Join(#[from] crate::JoinError),
    /// What has a fixed capacity ([`Text`](crate::Text), [`Seq`](crate::Seq)), or a queue, has no room left.
    #[error("there is no room left for it")]
    Full,
    /// A queue has nothing in it at this moment.
    #[error("there is nothing in it at this moment")]
    Empty,
    /// A queue of jobs has no place for one more that is in progress.
    #[error(
        "1024 jobs of the queue are in progress, or were given up: finish some with `done`, or take out those that were given \
         up with `dead_letters`"
    )]
    TooManyJobs,
    /// A queue was closed: nothing can be put into it any more, and what was in it has been taken.
    #[error("it is closed")]
    Closed,
    /// Time ran out before what was waited for came.
    #[error("time ran out before it came")]
    TimedOut,
    /// All who could ever have done what was waited for have ended, killed perhaps.
    #[error("nobody is left who could ever do what is waited for: all others have ended")]
    PeerDied,
    /// The other end of a connection is gone, and all that it had sent has been received.
    #[error("the other end of the connection is gone")]
    Eof,
    /// A buffer is shorter than the message that was to go into it.
    #[error("a message of {len} bytes does not fit into the buffer")]
    TooShort {
        /// How long the message is.
        len: usize,
    },
    /// A listener and a client do not have the same key, or one of them speaks nonsense, or nothing in time.
    #[error("the other side of the connection could not be verified: {reason}")]
    Authentication {
        /// What it did.
        reason: String,
    },
    /// A listener and a client have the same key, but not the same types for the two ends of their connection.
    #[error(
        "the other side of the connection has other types: this one sends `{sends}` and receives `{receives}`"
    )]
    OtherTypes {
        /// What this side would send.
        sends: &'static str,
        /// What this side would receive.
        receives: &'static str,
    },
    /// Elements of an array are in a [`Chunk`](crate::Chunk), which is its holder's alone.
    #[error("{}", lent(*to_this_process))]
    Lent {
        /// It is this process that has it, and would wait for itself.
        to_this_process: bool,
    },
    /// There is no such element.
    #[error("there is no element {index} in an array of {len}")]
    OutOfBounds {
        /// The number that was asked for.
        index: usize,
        /// How many there are, numbered from 0 on.
        len: usize,
    },
    /// Something cannot be made or found under a name.
    #[error(transparent)]
    Name(#[from] crate::NameError),
    /// A lock could not be had.
    #[error(transparent)]
    Lock(crate::sync::LockError),
    /// A bounded semaphore was given one permit too many.
    #[error(transparent)]
    TooManyReleases(#[from] crate::sync::TooManyReleases),
    /// A barrier broke, or was broken already.
    #[error(transparent)]
    Broken(#[from] crate::sync::Broken),
}

fn lent(to_this_process: bool) -> &'static str {
    if to_this_process {
        "this process has a piece of the array with these elements: use them there, or drop it first"
    } else {
        "somebody else has a piece of the array with these elements: wait until it is back"
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::System { ref source, .. } => Self::new(source.kind(), error),
            other => Self::other(other),
        }
    }
}

impl Error {
    /// A failed system call: `Error::system("create shared memory")(io_error)`.
    pub(crate) fn system<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { action, source: source.into() }
    }
}
