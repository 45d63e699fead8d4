//! Why an operation of a connection failed: one type for each operation, as in `std::sync::mpsc`.

use std::fmt;

use thiserror::Error as ThisError;

use crate::Error;

/// Why a value was not sent; gives it back.
///
/// `Debug` is the same sentence as `Display`.
#[derive(ThisError)]
pub enum SendError<S> {
    /// The other side is gone.
    #[error("the other end of the connection is gone")]
    Eof(S),
    /// It cannot be sent, or the system refused to.
    #[error("{1}")]
    Failed(S, #[source] Error),
}

/// Why nothing was received by [`recv`](super::Connection::recv).
#[derive(Debug, ThisError)]
pub enum RecvError {
    /// The other side is gone, and all that it had sent has been received.
    #[error("the other end of the connection is gone")]
    Eof,
    /// What came cannot be used, or the system refused.
    #[error(transparent)]
    Failed(Error),
}

/// Why nothing was received by [`try_recv`](super::Connection::try_recv).
#[derive(Debug, ThisError)]
pub enum TryRecvError {
    /// Nothing is there at this moment.
    #[error("no message is there at this moment")]
    Empty,
    /// The other side is gone, and all that it had sent has been received.
    #[error("the other end of the connection is gone")]
    Eof,
    /// What came cannot be used, or the system refused.
    #[error(transparent)]
    Failed(Error),
}

/// Why nothing was received by [`recv_timeout`](super::Connection::recv_timeout).
#[derive(Debug, ThisError)]
pub enum RecvTimeoutError {
    /// Time ran out before a message came.
    #[error("time ran out before a message came")]
    TimedOut,
    /// The other side is gone, and all that it had sent has been received.
    #[error("the other end of the connection is gone")]
    Eof,
    /// What came cannot be used, or the system refused.
    #[error(transparent)]
    Failed(Error),
}

/// Why [`recv_bytes_into`](super::Connection::recv_bytes_into) has no bytes to show.
#[derive(ThisError)]
pub enum RecvIntoError {
    /// The buffer is shorter than the message, which is here: Python's `BufferTooShort`.
    #[error("a message of {} bytes does not fit into the buffer", .0.len())]
    TooShort(Vec<u8>),
    /// The other side is gone, and all that it had sent has been received.
    #[error("the other end of the connection is gone")]
    Eof,
    /// What came cannot be used, or the system refused.
    #[error(transparent)]
    Failed(Error),
}

impl<S> fmt::Debug for SendError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for RecvIntoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<S> SendError<S> {
    /// The value that was not sent.
    pub fn into_inner(self) -> S {
        match self {
            Self::Eof(value) | Self::Failed(value, _) => value,
        }
    }
}

/// The operation's error, of that of the crate: `$silent` is what it says when nothing came.
macro_rules! conversions {
    ($($name:ident: $($silent:ident)?;)*) => {$(
        impl $name {
            pub(super) fn of(error: Error) -> Self {
                match error {
                    Error::Eof => Self::Eof,
                    $(Error::TimedOut => Self::$silent,)?
                    error => Self::Failed(error),
                }
            }
        }

        impl From<$name> for Error {
            fn from(error: $name) -> Self {
                match error {
                    $name::Eof => Self::Eof,
                    $($name::$silent => Self::$silent,)?
                    $name::Failed(error) => error,
                }
            }
        }
    )*};
}

conversions! {
    RecvError: ;
    TryRecvError: Empty;
    RecvTimeoutError: TimedOut;
}

impl<S> From<SendError<S>> for Error {
    fn from(error: SendError<S>) -> Self {
        match error {
            SendError::Eof(_) => Self::Eof,
            SendError::Failed(_, error) => error,
        }
    }
}

impl From<RecvIntoError> for Error {
    fn from(error: RecvIntoError) -> Self {
        match error {
            RecvIntoError::TooShort(message) => Self::TooShort { len: message.len() },
            RecvIntoError::Eof => Self::Eof,
            RecvIntoError::Failed(error) => error,
        }
    }
}

impl From<RecvError> for RecvIntoError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Eof => Self::Eof,
            RecvError::Failed(error) => Self::Failed(error),
        }
    }
}
