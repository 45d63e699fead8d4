//! A message of a connection in one packet, whatever its size and however many handles are in it: so it is there or
//! it is not, also when its sender is killed, and those of several senders do not mix.
//!
//! ```text
//! packet      header | body, or its beginning     descriptors: [rest of the body] [luggage] or the message's
//! luggage     a socket of its own, in whose queue the message's descriptors wait if they are too many for a packet
//! ```
//! The beginning of a large body is in the packet so that it counts against the socket's buffer: a sender far ahead
//! of its receiver has to wait. The receiver believes nothing: it knows the length of a packet, and of the memory behind a
//! descriptor, from the kernel.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::garbled;
use super::incoming::Incoming;
use super::spill::{Rest, spill};
use crate::sys::socket::{self, DESCRIPTORS_MAX, Packet};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"ofsm";
pub(super) const HEADER: usize = 16;
/// So much of a body travels in the packet itself: three such packets fill a socket's usual buffer of 208 KiB.
const INLINE_MAX: usize = 96 * 1024;
/// More handles than this in one message are refused; also a bound on what a receiver takes in.
const TOTAL_DESCRIPTORS_MAX: usize = 16 * 1024;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Content {
    /// A value, packed.
    Value = 1,
    /// Bytes, as they are.
    Bytes,
}

/// What a look for a message finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival<T> {
    Message(T),
    /// Nothing, so far.
    Nothing,
    /// The other side is gone, and what it had sent has been received.
    End,
}

/// The first bytes of every message, here and in `stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) content: Content,
    pub(super) descriptors: u16,
    /// Of the whole body, wherever it is.
    pub(super) len: u64,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.content as u8;
        bytes[6..8].copy_from_slice(&self.descriptors.to_le_bytes());
        bytes[8..].copy_from_slice(&self.len.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: [u8; HEADER]) -> Option<Self> {
        let [m0, m1, m2, m3, content, 0, d0, d1, len @ ..] = bytes else { return None };
        let content = match content {
            1 => Content::Value,
            2 => Content::Bytes,
            _ => return None,
        };
        let header = Self {
            content,
            descriptors: u16::from_le_bytes([d0, d1]),
            len: u64::from_le_bytes(len),
        };
        let few = usize::from(header.descriptors) <= TOTAL_DESCRIPTORS_MAX;
        ([m0, m1, m2, m3] == MAGIC && few).then_some(header)
    }
}

thread_local! {
    /// What this thread receives into: one packet, with room to notice that one is too long.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Sends a message, whose bytes are a short `prefix` and the `body`. Without `block`, a full socket is an error.
///
/// # Errors
/// Those of the system; `EPIPE` or `ECONNRESET` when the other side is gone.
pub(crate) fn send(
    socket: impl AsFd,
    content: Content,
    [prefix, body]: [&[u8]; 2],
    descriptors: &[Arc<OwnedFd>],
    block: bool,
) -> io::Result<()> {
    let (inline, rest) = body.split_at(body.len().min(INLINE_MAX - prefix.len()));
    let rest = if rest.is_empty() { None } else { Some(spill(rest)?) };
    let luggage = if usize::from(rest.is_some()) + descriptors.len() > DESCRIPTORS_MAX {
        Some(pack_luggage(descriptors)?)
    } else {
        None
    };
    let direct = if luggage.is_some() { &[] } else { descriptors };
    let lent: Vec<BorrowedFd<'_>> = rest
        .iter()
        .chain(&luggage)
        .map(OwnedFd::as_fd)
        .chain(direct.iter().map(|one| one.as_fd()))
        .collect();
    let len = prefix.len() as u64 + body.len() as u64;
    let head = Header { content, descriptors: descriptors.len() as u16, len }.to_bytes();
    Ok(socket::send(socket, &[&head, prefix, inline].map(IoSlice::new), &lent, block)?)
}

/// A socket with the descriptors in its queue.
fn pack_luggage(descriptors: &[Arc<OwnedFd>]) -> io::Result<OwnedFd> {
    if descriptors.len() > TOTAL_DESCRIPTORS_MAX {
        return Err(io::Error::other("there are too many handles in one message"));
    }
    let (into, luggage) = socket::pair()?;
    for chunk in descriptors.chunks(DESCRIPTORS_MAX) {
        let lent: Vec<BorrowedFd<'_>> = chunk.iter().map(|one| one.as_fd()).collect();
        socket::send(&into, &[IoSlice::new(&[0])], &lent, false)?;
    }
    Ok(luggage)
}

fn unpack_luggage(luggage: &OwnedFd, count: usize) -> Result<Vec<OwnedFd>> {
    let mut descriptors = Vec::new();
    while descriptors.len() < count {
        match socket::receive(luggage, &mut [0], false) {
            Ok(packet) if packet.truncated => return Err(super::frame::no_room()),
            Ok(packet) if !packet.descriptors.is_empty() => descriptors.extend(packet.descriptors),
            _ => return Err(garbled("descriptors are missing")),
        }
    }
    Ok(descriptors)
}

/// Receives the next message and gives it to `read`.
///
/// # Errors
/// [`Error::Garbled`] when what came is not a message, [`Error::System`] when the kernel refused; what `read` says.
pub(crate) fn receive<T>(
    socket: impl AsFd,
    block: bool,
    read: impl FnOnce(Incoming<'_>) -> Result<T>,
) -> Result<Arrival<T>> {
    // Not borrowed: `read` runs code of the user's, which may receive something else.
    let mut buffer = BUFFER.take();
    if buffer.is_empty() {
        // Zero as it comes from the system: what no message fills is never touched.
        buffer = vec![0; HEADER + INLINE_MAX + 1];
    }
    let arrival = match socket::receive(socket, &mut buffer, block) {
        Ok(Packet { len: 0, .. }) | Err(Errno::CONNRESET | Errno::PIPE) => Ok(Arrival::End),
        Err(Errno::AGAIN) => Ok(Arrival::Nothing),
        Err(errno) => Err(Error::system("receive a message")(errno)),
        Ok(packet) => open(&buffer, packet).and_then(read).map(Arrival::Message),
    };
    BUFFER.set(buffer);
    arrival
}

fn open(buffer: &[u8], packet: Packet) -> Result<Incoming<'_>> {
    let bytes = buffer.get(..packet.len).filter(|bytes| bytes.len() < buffer.len());
    let (head, inline) = bytes.and_then(|bytes| bytes.split_first_chunk()).ok_or_else(not_ours)?;
    let Header { content, descriptors: count, len } = Header::parse(*head).ok_or_else(not_ours)?;
    // The bytes are all there: it is descriptors that this process has no room for.
    if packet.truncated {
        return Err(super::frame::no_room());
    }
    let count = usize::from(count);
    let mut descriptors = packet.descriptors.into_iter();
    let rest = match len.checked_sub(inline.len() as u64) {
        None => return Err(garbled("it has more bytes than it says")),
        Some(0) => None,
        Some(rest) => {
            let memory = descriptors.next().ok_or_else(|| garbled("a part of it is missing"))?;
            Some(Rest::of(memory, rest)?)
        }
    };
    let mut descriptors: Vec<OwnedFd> = descriptors.collect();
    if count + usize::from(rest.is_some()) > DESCRIPTORS_MAX {
        let luggage = descriptors.pop().filter(|_| descriptors.is_empty());
        let luggage = luggage.ok_or_else(|| garbled("descriptors are missing"))?;
        descriptors = unpack_luggage(&luggage, count)?;
    }
    if descriptors.len() != count {
        return Err(garbled("it has other descriptors than it says"));
    }
    Ok(Incoming { content, start: Cow::Borrowed(inline), rest, descriptors })
}

fn not_ours() -> Error {
    garbled("its header is not ours")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sys::memfd;

    fn descriptor() -> Arc<OwnedFd> {
        Arc::new(std::fs::File::open("/dev/null").unwrap().into())
    }

    type Whole = (Content, Vec<u8>, usize);

    fn receive_whole(socket: &OwnedFd) -> Result<Arrival<Whole>> {
        receive(socket, false, |incoming| {
            let (content, count, len) =
                (incoming.content, incoming.descriptors.len(), incoming.len());
            let mut copy = vec![0; len];
            incoming.copy_to(&mut copy)?;
            let body = incoming.into_bytes()?.into_owned();
            assert!(copy == body);
            Ok((content, body, count))
        })
    }

    #[test]
    fn messages_of_every_shape_arrive_and_then_the_end() {
        let (a, b) = socket::pair().unwrap();
        for len in [0, 1, INLINE_MAX, INLINE_MAX + 1, 3 << 20] {
            for count in [0, 1, 249, 250, 251, 600] {
                let body: Vec<u8> = (0..len).map(|i| i as u8).collect();
                let descriptors = vec![descriptor(); count];
                send(&a, Content::Value, [b"", &body], &descriptors, false).unwrap();
                let Arrival::Message(whole) = receive_whole(&b).unwrap() else { panic!() };
                assert!(whole == (Content::Value, body, count), "{len} {count}");
            }
        }
        assert_eq!(receive_whole(&b).unwrap(), Arrival::Nothing);
        send(&a, Content::Bytes, [b"la", b"st"], &[], false).unwrap();
        send(&b, Content::Bytes, [b"", b"unread"], &[], false).unwrap();
        drop(a);
        let last = (Content::Bytes, b"last".to_vec(), 0);
        assert_eq!(receive_whole(&b).unwrap(), Arrival::Message(last));
        assert_eq!(receive_whole(&b).unwrap(), Arrival::End);
    }

    #[test]
    fn numbers_are_read_to_their_place_only_if_they_are_as_many_as_they_say() {
        let (a, b) = socket::pair().unwrap();
        let numbers: Vec<u32> = (0..100_000).collect();
        let (count, raw) = crate::wire::view_numbers(&numbers).unwrap();
        let receive = || match receive(&b, false, |one| one.into_value::<Vec<u32>>("numbers")) {
            Ok(Arrival::Message(numbers)) => Ok(numbers),
            other => Err(format!("{other:?}")),
        };
        send(&a, Content::Value, [&count.to_ne_bytes(), raw], &[], false).unwrap();
        assert!(receive().unwrap() == numbers);
        for lie in [count - 1, count + 1, 0, 1 << 62, u64::MAX] {
            send(&a, Content::Value, [&lie.to_ne_bytes(), raw], &[], false).unwrap();
            assert!(receive().unwrap_err().contains("its length does not fit"));
        }
        send(&a, Content::Value, [&count.to_ne_bytes(), &raw[1..]], &[], false).unwrap();
        assert!(receive().unwrap_err().contains("its length does not fit"));
    }

    /// Sends this header with these descriptors, and says what the receiver makes of it.
    fn received(header: Header, inline: &[u8], descriptors: &[BorrowedFd<'_>]) -> String {
        let (a, b) = socket::pair().unwrap();
        let head = header.to_bytes();
        let parts = [&head[..], inline].map(IoSlice::new);
        socket::send(&a, &parts, descriptors, false).unwrap();
        receive_whole(&b).unwrap_err().to_string()
    }

    #[test]
    fn lies_are_refused_without_an_allocation() {
        let header = |descriptors, len| Header { content: Content::Value, descriptors, len };
        let sparse = rustix::fs::memfd_create("sparse", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&sparse, 1 << 40).unwrap();
        let unsealed = received(header(0, 1 << 40), b"", &[sparse.as_fd()]);
        assert!(unsealed.contains("sealed"), "{unsealed}");
        let small = memfd::of_bytes("small", b"five!").unwrap();
        let short = received(header(0, 1 << 40), b"", &[small.as_fd()]);
        assert!(short.contains("another length"), "{short}");
        let missing = received(header(0, 1 << 40), b"", &[]);
        assert!(missing.contains("a part of it is missing"), "{missing}");
        let longer = received(header(0, 1), b"two", &[]);
        assert!(longer.contains("more bytes"), "{longer}");
        let fewer = received(header(2, 0), b"", &[small.as_fd()]);
        assert!(fewer.contains("other descriptors"), "{fewer}");
        let luggage = received(header(300, 0), b"", &[small.as_fd()]);
        assert!(luggage.contains("descriptors are missing"), "{luggage}");
        let (empty, _other) = socket::pair().unwrap();
        let luggage = received(header(300, 0), b"", &[empty.as_fd()]);
        assert!(luggage.contains("descriptors are missing"), "{luggage}");
        let long = received(header(0, 120_000), &[0; 120_000], &[]);
        assert!(long.contains("header"), "{long}");
    }

    proptest! {
        #[test]
        fn hostile_packets_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 1..200), honest: bool, fds in 0usize..3) {
            let (a, b) = socket::pair().unwrap();
            if honest && bytes.len() > 16 {
                bytes[..4].copy_from_slice(&MAGIC);
                bytes[4] = 1 + bytes[4] % 2;
                bytes[5] = 0;
                bytes[6] %= 4;
                bytes[7..16].fill(0);
                bytes[8] = bytes.len() as u8 - 16 + bytes[6];
            }
            let keep: Vec<_> = (0..fds).map(|_| descriptor()).collect();
            let lent: Vec<_> = keep.iter().map(|one| one.as_fd()).collect();
            socket::send(&a, &[IoSlice::new(&bytes)], &lent, true).unwrap();
            drop(a);
            let _ = receive_whole(&b);
            prop_assert_eq!(receive_whole(&b).unwrap(), Arrival::End);
        }
    }
}
