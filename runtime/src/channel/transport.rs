//! What carries a connection's messages: packets of a socket between processes of one machine, or a stream of bytes.
//!
//! A packet is a whole message, so that packets need no lock. On a stream, messages are sent and received by turns, which
//! processes that have the same end take as well: the locks are in shared memory. Who is killed in the middle of a message
//! leaves a stream on which nobody could find the next one: it is shut down by who has the next turn.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::net::Shutdown;

use super::address;
use crate::sync::patience::Patience;
use crate::sync::{LockError, Mutex, MutexGuard};
use crate::sys::{poll, socket};
use crate::wire::incoming::Incoming;
use crate::wire::packet::{self, Arrival, Content};
use crate::wire::stream;
use crate::{Error, Result, Shared, shared};

#[derive(Debug, Clone)]
pub(super) enum Transport {
    Packets(Arc<OwnedFd>),
    Stream(Stream),
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) turns: Shared<Turns>,
}

/// Whose turn it is, and whether that one is in the middle of a message.
#[shared]
#[derive(Debug, Default)]
pub(super) struct Turns {
    sending: Mutex<bool>,
    receiving: Mutex<bool>,
}

impl Transport {
    pub(super) fn socket(&self) -> &Arc<OwnedFd> {
        match self {
            Self::Packets(socket) | Self::Stream(Stream { socket, .. }) => socket,
        }
    }

    /// Sends a message, whose bytes are a short prefix and the rest.
    ///
    /// # Errors
    /// [`Error::Eof`] when the other side is gone, [`Error::System`], [`Error::Encode`] for a handle on a stream.
    pub(super) fn send(
        &self,
        content: Content,
        body: [&[u8]; 2],
        descriptors: &[Arc<OwnedFd>],
    ) -> Result<()> {
        match self {
            Self::Packets(socket) => send_packet(socket, content, body, descriptors),
            Self::Stream(_) if !descriptors.is_empty() => Err(Error::Encode {
                name: "message".to_owned(),
                reason: "there is a handle in it, which cannot leave this machine: over TCP, only \
                         plain values can be sent"
                    .to_owned(),
            }),
            Self::Stream(stream) => stream.send(content, body),
        }
    }

    /// Receives a message, and gives it to `read`.
    ///
    /// # Errors
    /// [`Error::Eof`], [`Error::TimedOut`], [`Error::Garbled`], [`Error::System`]; what `read` says.
    pub(super) fn receive<T>(
        &self,
        patience: Patience,
        read: impl FnOnce(Incoming<'_>) -> Result<T>,
    ) -> Result<T> {
        match self {
            Self::Packets(socket) => receive_packet(socket, patience, read),
            Self::Stream(stream) => {
                let (content, body) = stream.receive(patience)?;
                read(Incoming::whole(content, body))
            }
        }
    }
}

fn send_packet(
    socket: &OwnedFd,
    content: Content,
    body: [&[u8]; 2],
    descriptors: &[Arc<OwnedFd>],
) -> Result<()> {
    loop {
        match packet::send(socket, content, body, descriptors, true) {
            // The descriptor was made non-blocking by somebody.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                poll::wait_writable(socket.as_fd()).map_err(Error::system("send a message"))?;
            }
            sent => return sent.map_err(send_error),
        }
    }
}

fn send_error(error: std::io::Error) -> Error {
    let errno = rustix::io::Errno::from_io_error(&error);
    if errno.is_some_and(socket::is_gone) {
        Error::Eof
    } else {
        Error::system("send a message")(error)
    }
}

fn receive_packet<T>(
    socket: &OwnedFd,
    patience: Patience,
    read: impl FnOnce(Incoming<'_>) -> Result<T>,
) -> Result<T> {
    let mut read = Some(read);
    loop {
        let block = matches!(patience, Patience::Endless);
        let arrival = packet::receive(socket, block, |incoming| {
            let read = read.take().ok_or(Error::Eof)?;
            read(incoming)
        });
        match arrival? {
            Arrival::Message(value) => return Ok(value),
            Arrival::End => return Err(Error::Eof),
            Arrival::Nothing => {}
        }
        // Another thread or process may be faster with what comes: then it is waited for again.
        if matches!(patience, Patience::None) || !wait(socket.as_fd(), patience)? {
            return Err(Error::TimedOut);
        }
    }
}

/// Waits until there is something to receive.
pub(super) fn wait(socket: BorrowedFd<'_>, patience: Patience) -> Result<bool> {
    poll::wait_one(socket, deadline(patience)).map_err(Error::system("wait for a message"))
}

fn deadline(patience: Patience) -> Option<Instant> {
    match patience {
        Patience::Endless => None,
        Patience::Until(deadline) => Some(deadline),
        Patience::None => Some(Instant::now()),
    }
}

impl Stream {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Result<Self> {
        address::tune(&socket).map_err(Error::system("prepare a connection"))?;
        Ok(Self { socket, turns: Shared::new(Turns::default())? })
    }

    fn send(&self, content: Content, body: [&[u8]; 2]) -> Result<()> {
        let mut middle = self.turn(&self.turns.sending, Patience::Endless)?;
        *middle = true;
        let sent = stream::send(&self.socket, content, body).map_err(send_error);
        self.done(middle, sent)
    }

    fn receive(&self, patience: Patience) -> Result<(Content, Vec<u8>)> {
        let mut middle = self.turn(&self.turns.receiving, patience)?;
        if !wait(self.socket.as_fd(), patience)? {
            return Err(Error::TimedOut);
        }
        *middle = true;
        match self.done(middle, stream::receive(&self.socket))? {
            Arrival::Message(message) => Ok(message),
            Arrival::Nothing | Arrival::End => Err(Error::Eof),
        }
    }

    /// Takes the turn, and with it what one has left who died with it.
    fn turn<'a>(&self, lock: &'a Mutex<bool>, patience: Patience) -> Result<MutexGuard<'a, bool>> {
        let taken = match deadline(patience) {
            None => lock.lock().map(Some),
            Some(deadline) => lock.try_lock_until(deadline),
        };
        let turn = match taken {
            Ok(turn) => turn.ok_or(Error::TimedOut)?,
            Err(LockError::OwnerDied(turn)) => {
                turn.mark_consistent();
                turn
            }
            Err(error) => return Err(Error::Lock(error.without_guard())),
        };
        if *turn {
            let torn = Error::Garbled {
                reason: "who had this end before was killed in the middle of it".to_owned(),
            };
            return self.done(turn, Err(torn));
        }
        Ok(turn)
    }

    /// Ends a turn; after half a message, the stream with it.
    fn done<T>(&self, mut middle: MutexGuard<'_, bool>, result: Result<T>) -> Result<T> {
        if result.is_err() {
            // It fails when the connection is gone already, which is all that is wanted.
            let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
        }
        *middle = false;
        result
    }
}
