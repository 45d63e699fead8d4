//! Message sockets that carry descriptors, unix(7) `SOCK_SEQPACKET`, and streams of bytes.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, Result, retry_on_intr};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::{poll, standard};

/// Descriptors that one packet may carry; the kernel's own limit is 253 (`SCM_MAX_FD`).
pub(crate) const DESCRIPTORS_MAX: usize = 250;

/// One message as it came.
#[derive(Debug)]
pub(crate) struct Packet {
    /// How many bytes of the buffer were filled.
    pub(crate) len: usize,
    /// The descriptors that came along, close-on-exec.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Whether bytes or descriptors were cut off.
    pub(crate) truncated: bool,
}

/// Two connected ends; whole messages, in order, end of file when the other end is gone.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (one, other) =
        net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((standard::beyond(one)?, standard::beyond(other)?))
}

/// An end of a pair whose other end is gone.
pub(crate) fn dead() -> Result<OwnedFd> {
    pair().map(|(one, _)| one)
}

/// Whether this is a socket for messages with descriptors.
pub(crate) fn carries_descriptors(socket: impl AsFd) -> bool {
    let is_unix = net::sockopt::socket_domain(&socket) == Ok(AddressFamily::UNIX);
    is_unix && net::sockopt::socket_type(socket) == Ok(SocketType::SEQPACKET)
}

/// Whether this is a socket for a stream of bytes.
pub(crate) fn is_stream(socket: impl AsFd) -> bool {
    net::sockopt::socket_type(socket) == Ok(SocketType::STREAM)
}

/// Whether a socket says that nobody is at its other end any more.
pub(crate) fn is_gone(errno: Errno) -> bool {
    use Errno as E;
    matches!(
        errno,
        E::PIPE
            | E::CONNRESET
            | E::CONNABORTED
            | E::NOTCONN
            | E::SHUTDOWN
            | E::TIMEDOUT
            | E::HOSTUNREACH
            | E::NETUNREACH
    )
}

/// Whether the descriptor with this number is an open socket of this kind.
pub(crate) fn is_one(number: i32) -> bool {
    standard::is_open(number).is_some_and(|socket| {
        net::sockopt::socket_type(socket).is_ok_and(|kind| kind == SocketType::SEQPACKET)
    })
}

/// Sends one message with its descriptors, without raising SIGPIPE.
pub(crate) fn send(
    socket: impl AsFd,
    parts: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
    block: bool,
) -> Result<()> {
    let flags = SendFlags::NOSIGNAL | if block { SendFlags::empty() } else { SendFlags::DONTWAIT };
    if descriptors.is_empty() {
        let mut none = SendAncillaryBuffer::default();
        retry_on_intr(|| net::sendmsg(&socket, parts, &mut none, flags))?;
        return Ok(());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    retry_on_intr(|| {
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::TOOBIG);
        }
        net::sendmsg(&socket, parts, &mut control, flags)
    })?;
    Ok(())
}

/// Receives in spite of a reset. A peer that ends with messages unread leaves this error, once, before
/// the messages that it had sent and that are still there.
fn past_reset<T>(mut receive: impl FnMut() -> Result<T>) -> Result<T> {
    match retry_on_intr(&mut receive) {
        Err(Errno::CONNRESET) => retry_on_intr(receive),
        received => received,
    }
}

/// Length of the next message, without taking it; 0 at the end of the conversation.
pub(crate) fn next_len(socket: impl AsFd, block: bool) -> Result<usize> {
    let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
    let flags = if block { flags } else { flags | RecvFlags::DONTWAIT };
    let (_, len) = past_reset(|| net::recv(&socket, &mut [0u8; 0], flags))?;
    Ok(len)
}

/// Receives one message; `len == 0` is the end of the conversation.
pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8], block: bool) -> Result<Packet> {
    let flags =
        RecvFlags::CMSG_CLOEXEC | if block { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    past_reset(|| {
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = net::recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut control, flags)?;
        let mut descriptors = Vec::new();
        for ancillary in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = ancillary {
                for descriptor in rights {
                    descriptors.push(standard::beyond(descriptor)?);
                }
            }
        }
        let truncated = message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC);
        Ok(Packet { len: message.bytes, descriptors, truncated })
    })
}

/// Sends all of a stream's next bytes, without raising SIGPIPE.
pub(crate) fn send_all(socket: impl AsFd, mut parts: &mut [IoSlice<'_>]) -> Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        let mut none = SendAncillaryBuffer::default();
        match retry_on_intr(|| net::sendmsg(&socket, parts, &mut none, SendFlags::NOSIGNAL)) {
            Ok(sent) => IoSlice::advance_slices(&mut parts, sent),
            // The descriptor was made non-blocking by somebody.
            Err(Errno::AGAIN) => poll::wait_writable(socket.as_fd())?,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Receives a stream's next bytes until `bytes` are full or the other side is gone; how many came.
pub(crate) fn receive_all(socket: impl AsFd, bytes: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match retry_on_intr(|| net::recv(&socket, &mut bytes[filled..], RecvFlags::empty())) {
            Ok((0, _)) => break,
            Ok((received, _)) => filled += received,
            Err(Errno::AGAIN) => {
                poll::wait_one(socket.as_fd(), None)?;
            }
            Err(errno) if is_gone(errno) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Receives what is there of a stream's or a packet's bytes, without waiting; 0 at the end.
pub(crate) fn receive_some(socket: impl AsFd, bytes: &mut [u8]) -> Result<usize> {
    let received = past_reset(|| net::recv(&socket, &mut *bytes, RecvFlags::DONTWAIT));
    received.map(|(received, _)| received)
}
