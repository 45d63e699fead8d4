//! Where a child's standard streams lead.

use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What a standard stream of a child is: nothing, the parent's, or any file, pipe or socket.
///
/// ```
/// use std::io::Read as _;
/// use offspring::process;
///
/// #[process]
/// fn greet(name: &str) {
///     println!("hello, {name}");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut reader, writer) = std::io::pipe()?;
/// greet::task("pipe").stdout(writer).spawn()?.join()?;
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello, pipe\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Stdio(pub(crate) Stream);

#[derive(Debug, Clone)]
pub(crate) enum Stream {
    Inherit,
    Null,
    Descriptor(Arc<OwnedFd>),
}

impl Stdio {
    /// The parent's own stream at the time of `spawn`.
    pub fn inherit() -> Self {
        Self(Stream::Inherit)
    }

    /// `/dev/null`: empty to read from, bottomless to write to.
    pub fn null() -> Self {
        Self(Stream::Null)
    }
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(source: T) -> Self {
        Self(Stream::Descriptor(Arc::new(source.into())))
    }
}
