//! [`Connection`]: one end of a two-way channel for typed messages, and [`pipe`], which makes both.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::copies;
use super::failure::{RecvError, RecvIntoError, RecvTimeoutError, SendError, TryRecvError};
use super::transport::{self, Stream, Transport};
use crate::sync::patience::Patience;
use crate::sys::socket;
use crate::wire::incoming::Incoming;
use crate::wire::packet::Content;
use crate::wire::{Message, Pack, view_numbers};
use crate::{Error, Result};

/// What errors call a message.
const NAME: &str = "message";

/// Makes a two-way channel: what one end sends, the other receives. Python's `Pipe()`.
///
/// `A` is what the first end sends and the second receives, `B` what comes back. Where one direction is not used, its
/// type is [`Infallible`](std::convert::Infallible), and to send that way does not compile.
///
/// ```
/// use offspring::{Connection, pipe, process};
///
/// #[process]
/// fn shout(words: Connection<String, String>) -> offspring::Result<()> {
///     // Until the other end is gone.
///     while let Ok(word) = words.recv() {
///         words.send(word.to_uppercase())?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let (mine, theirs) = pipe::<String, String>()?;
/// let child = shout::spawn(theirs)?;
/// mine.send("hello".to_owned())?;
/// assert_eq!(mine.recv()?, "HELLO");
/// drop(mine);
/// child.join()?
/// # }
/// ```
///
/// # Errors
/// [`Error::System`] when there is no descriptor left.
pub fn pipe<A, B>() -> Result<(Connection<A, B>, Connection<B, A>)> {
    let (one, other) = socket::pair().map_err(Error::system("open a socket"))?;
    Ok((Connection::over_packets(one), Connection::over_packets(other)))
}

/// One end of a two-way channel: it sends `S` and receives `R`. Python's `Connection`.
///
/// [`pipe`] makes two; [`Listener`](crate::Listener) and [`Client`](crate::Client) connect programs that do not know
/// each other. Messages come whole, in order, of any size. What can be sent are numbers, strings, collections, types with
/// `#[message]`, and handles of every kind: [`Shared`](crate::Shared), [`Lock`](crate::Lock) and its kin,
/// [`Process`](crate::Process), [`Descriptor`](crate::Descriptor), connections themselves; over TCP, no handles.
///
/// It may be given to a task, by value or lent, and be used by several threads and processes at once: each message is sent
/// as a whole, and goes to one of those who receive. The other side is at its end ([`RecvError::Eof`]) when all who had
/// this end have dropped it or died; the parent of a task with `retry` or `restart` keeps what it may have to hand out again.
///
/// [`send`](Connection::send) waits while the other side is far behind: some 200 small messages, or 3 large ones.
///
/// # Fork and death
/// Killed in the middle of `send`, a process has sent the message or has not. Killed in the middle of `recv`, it takes the
/// message with it, or has left it to others. Over TCP, half a message may be on its way: the other side gets an error and then
/// [`Eof`](RecvError::Eof); so does whoever else has this end. In a copy of this process made by `StartMethod::Fork`,
/// connections that were not handed to it are at their end.
pub struct Connection<S, R> {
    transport: Transport,
    types: PhantomData<fn(S) -> R>,
}

impl<S, R> Connection<S, R> {
    pub(super) fn over_packets(socket: OwnedFd) -> Self {
        Self::over(Transport::Packets(copies::note(socket)))
    }

    /// Over a socket that has led to somebody with the same key.
    pub(super) fn over_socket(socket: OwnedFd, is_local: bool) -> Result<Self> {
        if is_local {
            return Ok(Self::over_packets(socket));
        }
        Stream::new(copies::note(socket)).map(Transport::Stream).map(Self::over)
    }

    pub(super) fn over(transport: Transport) -> Self {
        Self { transport, types: PhantomData }
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Whether something can be received at once, a message or the end; waits for it no longer than this.
    ///
    /// Another thread or process with this end may be faster to receive it.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn poll(&self, timeout: Duration) -> Result<bool> {
        transport::wait(self.as_fd(), Patience::of(timeout))
    }

    /// Closes this end, as dropping it does. The other side is at its end once nobody else has this one.
    pub fn close(self) {}

    /// Sends bytes as they are, for [`recv_bytes`](Connection::recv_bytes).
    ///
    /// # Errors
    /// [`Error::Eof`] when the other side is gone, [`Error::System`] when there is no memory or no descriptor left.
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.transport.send(Content::Bytes, [&[], bytes], &[])
    }

    /// Receives what was sent with [`send_bytes`](Connection::send_bytes).
    ///
    /// # Errors
    /// [`RecvError::Eof`] when the other side is gone; [`RecvError::Failed`] with [`Error::Garbled`] when the message was a
    /// value, with [`Error::System`] when there is no memory for it. Either way the message is gone.
    pub fn recv_bytes(&self) -> Result<Vec<u8>, RecvError> {
        self.transport
            .receive(Patience::Endless, |incoming| Ok(bytes(incoming)?.into_bytes()?.into_owned()))
            .map_err(RecvError::of)
    }

    /// Receives bytes into a buffer; how many they are.
    ///
    /// # Errors
    /// [`RecvIntoError::TooShort`] with the message when it is longer than the buffer; else as
    /// [`recv_bytes`](Connection::recv_bytes).
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, RecvIntoError> {
        let received = self.transport.receive(Patience::Endless, |incoming| {
            let bytes = bytes(incoming)?;
            let len = bytes.len();
            Ok(match buffer.get_mut(..len) {
                Some(room) => bytes.copy_to(room).map(|()| Ok(len))?,
                None => Err(RecvIntoError::TooShort(bytes.into_bytes()?.into_owned())),
            })
        });
        received.map_err(RecvError::of)?
    }
}

impl<S: Message, R> Connection<S, R> {
    /// Sends a value; waits while the other side is far behind.
    ///
    /// # Errors
    /// Each gives the value back. [`SendError::Eof`] when the other side is gone, also while this call waits for it;
    /// [`SendError::Failed`] with [`Error::Encode`] when the value cannot be sent, with [`Error::System`] when there is no
    /// memory or no descriptor left.
    pub fn send(&self, value: S) -> Result<(), SendError<S>> {
        let sent = if let Some((count, raw)) = view_numbers(&value) {
            // As `Pack` would have it, without a copy.
            self.transport.send(Content::Value, [&count.to_ne_bytes(), raw], &[])
        } else {
            let mut pack = Pack::new();
            pack.put(&value, NAME);
            pack.finish().and_then(|(body, descriptors)| {
                self.transport.send(Content::Value, [&[], &body], &descriptors)
            })
        };
        sent.map_err(|error| match error {
            Error::Eof => SendError::Eof(value),
            error => SendError::Failed(value, error),
        })
    }
}

impl<S, R: Message> Connection<S, R> {
    /// Receives the next value; waits for it.
    ///
    /// # Errors
    /// [`RecvError::Eof`] when the other side is gone, and all that it had sent has been received; [`RecvError::Failed`]
    /// with [`Error::Decode`] or [`Error::Garbled`] when what came is no `R`, with [`Error::System`] when there is no memory
    /// or no descriptor left for it. A message that cannot be used is gone; the connection goes on.
    pub fn recv(&self) -> Result<R, RecvError> {
        self.receive(Patience::Endless).map_err(RecvError::of)
    }

    /// Receives the next value, if it is there already.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] when nothing is there; else as [`recv`](Connection::recv).
    pub fn try_recv(&self) -> Result<R, TryRecvError> {
        self.receive(Patience::None).map_err(TryRecvError::of)
    }

    /// Receives the next value; waits for it, but no longer than this.
    ///
    /// Over TCP, a message that has begun to come is waited for to its end.
    ///
    /// # Errors
    /// [`RecvTimeoutError::TimedOut`] when none came in time; else as [`recv`](Connection::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R, RecvTimeoutError> {
        self.receive(Patience::of(timeout)).map_err(RecvTimeoutError::of)
    }

    fn receive(&self, patience: Patience) -> Result<R> {
        self.transport.receive(patience, |incoming| match incoming.content() {
            Content::Value => incoming.into_value(NAME),
            Content::Bytes => Err(garbled("it was sent with send_bytes")),
        })
    }
}

fn bytes(incoming: Incoming<'_>) -> Result<Incoming<'_>> {
    match incoming.content() {
        Content::Bytes => Ok(incoming),
        Content::Value => Err(garbled("it is a value, to be received with recv")),
    }
}

fn garbled(what: &str) -> Error {
    Error::Garbled { reason: what.to_owned() }
}

/// Readable when there is something to receive, a message or the end.
impl<S, R> AsFd for Connection<S, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport.socket().as_fd()
    }
}

impl<S, R> fmt::Debug for Connection<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("sends", &format_args!("{}", type_name::<S>()))
            .field("receives", &format_args!("{}", type_name::<R>()))
            .field("descriptor", &self.as_fd().as_raw_fd())
            .finish_non_exhaustive()
    }
}
