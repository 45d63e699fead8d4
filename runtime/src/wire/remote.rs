//! An error of another process, for error types that serde does not know.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// An error that a task returned, as far as it can travel: its text, the texts of its sources, and
/// for an [`io::Error`] its number or kind.
///
/// A task may return `Result<T, E>` with any `E: Display + From<RemoteError>`: `std::io::Error`,
/// `Box<dyn Error>` and `Box<dyn Error + Send + Sync>` are such types.
///
/// `Debug` is the same text as `Display`.
// Not a message itself: a result with it as error must have one way to travel, not two.
#[derive(Clone)]
pub struct RemoteError {
    fields: Fields,
}

/// What travels.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Fields {
    message: String,
    sources: Vec<String>,
    os_code: Option<i32>,
    kind: Option<u16>,
}

/// The kinds that an `io::Error` without a number of the system is made of by hand.
const KINDS: &[io::ErrorKind] = &[
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::NotConnected,
    io::ErrorKind::AddrInUse,
    io::ErrorKind::AddrNotAvailable,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::AlreadyExists,
    io::ErrorKind::WouldBlock,
    io::ErrorKind::NotADirectory,
    io::ErrorKind::IsADirectory,
    io::ErrorKind::DirectoryNotEmpty,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::InvalidData,
    io::ErrorKind::TimedOut,
    io::ErrorKind::WriteZero,
    io::ErrorKind::StorageFull,
    io::ErrorKind::FileTooLarge,
    io::ErrorKind::ResourceBusy,
    io::ErrorKind::Interrupted,
    io::ErrorKind::Unsupported,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::OutOfMemory,
];

impl RemoteError {
    /// Takes from `error` what can travel.
    pub(crate) fn of<E: fmt::Display + 'static>(error: &E) -> Self {
        let any: &dyn Any = error;
        // One that travels on keeps what it came with.
        if let Some(remote) = any.downcast_ref::<Self>() {
            return remote.clone();
        }
        match any.downcast_ref() {
            Some(crate::Error::Remote(remote)) => return remote.clone(),
            Some(crate::Error::Io(error)) => return Self::of(error),
            _ => {}
        }
        let (source, io) = look_inside(error);
        let mut sources = Vec::new();
        let mut next = source;
        while let Some(cause) = next {
            sources.push(cause.to_string());
            next = cause.source();
        }
        let kind = io.and_then(|error| KINDS.iter().position(|kind| *kind == error.kind()));
        Self::from_fields(Fields {
            message: error.to_string(),
            sources,
            os_code: io.and_then(io::Error::raw_os_error),
            kind: kind.and_then(|place| u16::try_from(place).ok()),
        })
    }

    pub(super) fn from_fields(fields: Fields) -> Self {
        Self { fields }
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The texts of the errors that caused this one, outermost first.
    pub fn sources(&self) -> &[String] {
        &self.fields.sources
    }
}

/// The first source of an error, and the `io::Error` that it is.
fn look_inside<E: 'static>(error: &E) -> (Option<&(dyn StdError + 'static)>, Option<&io::Error>) {
    let any: &dyn Any = error;
    let inner: Option<&(dyn StdError + 'static)> =
        if let Some(error) = any.downcast_ref::<io::Error>() {
            Some(error)
        } else if let Some(boxed) = any.downcast_ref::<Box<dyn StdError + Send + Sync>>() {
            Some(boxed.as_ref())
        } else if let Some(boxed) = any.downcast_ref::<Box<dyn StdError + Send>>() {
            Some(boxed.as_ref())
        } else {
            any.downcast_ref::<Box<dyn StdError>>().map(AsRef::as_ref)
        };
    (inner.and_then(StdError::source), inner.and_then(|error| error.downcast_ref()))
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fields.message)
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for RemoteError {}

impl From<RemoteError> for io::Error {
    fn from(remote: RemoteError) -> Self {
        let Fields { message, kind, os_code, .. } = &remote.fields;
        let kind = kind.and_then(|place| KINDS.get(usize::from(place)));
        match (*os_code, kind) {
            (Some(code), _) => io::Error::from_raw_os_error(code),
            // An error of a kind alone has the kind's own text; another text came from the user.
            (None, Some(&kind)) if kind.to_string() == *message => kind.into(),
            (None, Some(&kind)) => io::Error::new(kind, remote),
            (None, None) => io::Error::other(remote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_keeps_its_number_kind_and_text() {
        let missing = std::fs::File::open("/no/such/file").unwrap_err();
        let back = io::Error::from(RemoteError::of(&missing));
        assert_eq!(back.raw_os_error(), missing.raw_os_error());
        assert_eq!(back.kind(), io::ErrorKind::NotFound);

        let made = io::Error::new(io::ErrorKind::InvalidData, "line 3: no colon");
        let back = io::Error::from(RemoteError::of(&made));
        assert_eq!(back.kind(), io::ErrorKind::InvalidData);
        assert_eq!(back.to_string(), "line 3: no colon");

        let other = io::Error::other("odd");
        assert_eq!(io::Error::from(RemoteError::of(&other)).to_string(), "odd");
    }

    #[test]
    fn a_boxed_error_keeps_its_text_and_sources() {
        let inner = "x".parse::<u8>().unwrap_err();
        let error = crate::Error::Io(io::Error::new(io::ErrorKind::InvalidInput, inner));
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
        let remote = RemoteError::of(&boxed);
        assert_eq!(remote.to_string(), boxed.to_string());
        let back: Box<dyn StdError + Send + Sync> = remote.into();
        assert_eq!(back.to_string(), boxed.to_string());
    }
}
