//! A message on a socket: a kind, bytes of any number, descriptors of any number.
//!
//! ```text
//! packet 1      header | body, or nothing         descriptors: [body's memfd], first of the message's
//! packet 2 ..   nothing but a header              descriptors: the next of the message's
//! ```
//! A body that does not fit a packet travels as a memfd, so that a sender never waits for a reader:
//! a child can leave a result of any size behind and end. The receiver believes nothing: it knows
//! the length of a packet, of a memfd and the memory behind it from the kernel.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::{garbled, spill};
use crate::sys::socket::{self, DESCRIPTORS_MAX};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"ofs1";
pub(crate) const HEADER: usize = 24;
/// A body up to this size travels in the packet itself.
const INLINE_MAX: usize = 32 * 1024;
/// More handles than this in one message are refused; also a bound on what a receiver takes in.
const TOTAL_DESCRIPTORS_MAX: usize = 16 * 1024;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// "I have reached the library": build id, from a process that was exec'ed.
    Hello = 1,
    /// What a fork server needs to know before it begins.
    Begin,
    /// "I am ready to fork."
    Ready,
    /// "Fork so many."
    Ask,
    /// A new process: its pid, with its socket and pidfd.
    Born,
    /// What could not be done, as errno or text.
    Failed,
    /// A task for a process that waits for one.
    Task,
    /// The task's result.
    Returned,
    /// The task's panic.
    Panicked,
    /// A panic that is about to become the process's end.
    PanicNote,
    /// Why the task could not begin.
    Refused,
    /// Why there is a result that cannot be sent.
    Unsendable,
    /// "My time is up", from a signal handler.
    TimedOut,
    /// More descriptors of the frame before.
    More,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        use Kind::*;
        [
            Hello, Begin, Ready, Ask, Born, Failed, Task, Returned, Panicked, PanicNote, Refused,
            Unsendable, TimedOut, More,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) body: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Frame {
    /// A body that is one number.
    pub(crate) fn number(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.body.as_slice().try_into().ok()?))
    }
}

struct Header {
    kind: Kind,
    in_memfd: bool,
    descriptors: usize,
    len: u64,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.kind as u8;
        bytes[5] = u8::from(self.in_memfd);
        bytes[8..16].copy_from_slice(&(self.descriptors as u64).to_ne_bytes());
        bytes[16..].copy_from_slice(&self.len.to_ne_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEADER>()?;
        let number = |at: usize| Some(u64::from_ne_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let header = Self {
            kind: Kind::from_byte(head[4])?,
            in_memfd: head[5] == 1,
            descriptors: usize::try_from(number(8)?).ok()?,
            len: number(16)?,
        };
        let fits = header.in_memfd || header.len == rest.len() as u64;
        let valid = head[..4] == MAGIC
            && head[5] <= 1
            && header.descriptors <= TOTAL_DESCRIPTORS_MAX
            && fits;
        valid.then_some((header, rest))
    }
}

/// A frame without body and descriptors, for a sender that can do no more than a system call.
pub(crate) fn bare(kind: Kind) -> [u8; HEADER] {
    Header { kind, in_memfd: false, descriptors: 0, len: 0 }.to_bytes()
}

/// Sends a frame. Without `block`, a full socket is an error.
///
/// # Errors
/// Those of the system; `EPIPE` or `ECONNRESET` when the other side is gone.
pub(crate) fn send(
    socket: impl AsFd,
    kind: Kind,
    body: &[u8],
    descriptors: &[Arc<OwnedFd>],
    block: bool,
) -> io::Result<()> {
    if descriptors.len() > TOTAL_DESCRIPTORS_MAX {
        return Err(io::Error::other("too many handles in one message"));
    }
    let spilled = (body.len() > INLINE_MAX).then(|| spill::spill(body)).transpose()?;
    let header = Header {
        kind,
        in_memfd: spilled.is_some(),
        descriptors: descriptors.len(),
        len: body.len() as u64,
    };
    let inline = if spilled.is_some() { &[] } else { body };
    let first = DESCRIPTORS_MAX - usize::from(spilled.is_some());
    let (now, later) = descriptors.split_at(descriptors.len().min(first));
    let lent: Vec<BorrowedFd<'_>> =
        spilled.iter().map(OwnedFd::as_fd).chain(now.iter().map(|one| one.as_fd())).collect();
    let head = header.to_bytes();
    socket::send(&socket, &[IoSlice::new(&head), IoSlice::new(inline)], &lent, block)?;
    for chunk in later.chunks(DESCRIPTORS_MAX) {
        let lent: Vec<BorrowedFd<'_>> = chunk.iter().map(|one| one.as_fd()).collect();
        let more = Header { kind: Kind::More, in_memfd: false, descriptors: chunk.len(), len: 0 };
        socket::send(&socket, &[IoSlice::new(&more.to_bytes())], &lent, true)?;
    }
    Ok(())
}

/// Receives the next frame; `None` when the other side is gone, or nothing is there and `block` is
/// not asked for.
///
/// # Errors
/// [`Error::Garbled`] when what came is not a frame, [`Error::System`] when the kernel refused.
pub(crate) fn receive(socket: impl AsFd, block: bool) -> Result<Option<Frame>> {
    let Some((header, inline, mut descriptors)) = receive_packet(&socket, block)? else {
        return Ok(None);
    };
    let body = if header.in_memfd {
        if descriptors.is_empty() {
            return Err(garbled("a body is missing"));
        }
        spill::Rest::of(descriptors.remove(0), header.len)?.after(&[])?
    } else {
        inline
    };
    while descriptors.len() < header.descriptors && header.kind != Kind::Born {
        match receive_packet(&socket, block)? {
            Some((more, _, next)) if more.kind == Kind::More && !next.is_empty() => {
                descriptors.extend(next);
            }
            _ => return Err(garbled("descriptors are missing")),
        }
    }
    if descriptors.len() > header.descriptors {
        return Err(garbled("it has more descriptors than it says"));
    }
    Ok(Some(Frame { kind: header.kind, body, descriptors }))
}

type Received = (Header, Vec<u8>, Vec<OwnedFd>);

fn receive_packet(socket: impl AsFd, block: bool) -> Result<Option<Received>> {
    let refused = |errno: Errno| match errno {
        Errno::AGAIN | Errno::CONNRESET | Errno::PIPE => Ok(None),
        other => Err(Error::system("receive a message")(other)),
    };
    let len = match socket::next_len(&socket, block) {
        Ok(0) => return Ok(None),
        Ok(len) => len,
        Err(errno) => return refused(errno),
    };
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Error::system("receive a message")(Errno::NOMEM))?;
    bytes.resize(len, 0);
    let packet = match socket::receive(&socket, &mut bytes, block) {
        Ok(packet) => packet,
        Err(errno) => return refused(errno),
    };
    bytes.truncate(packet.len);
    let (header, _) = Header::parse(&bytes).ok_or_else(|| garbled("its header is not ours"))?;
    bytes.drain(..HEADER);
    // The kernel drops descriptors that this process has no room for. Who is born must be known all
    // the same, or nobody would ever wait for it.
    if packet.truncated && header.kind != Kind::Born {
        return Err(no_room());
    }
    Ok(Some((header, bytes, packet.descriptors)))
}

/// What a receiver says whose descriptor table is full.
pub(crate) fn no_room() -> Error {
    Error::system("take in the descriptors of a message")(Errno::MFILE)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use proptest::prelude::*;
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    fn descriptor() -> Arc<OwnedFd> {
        Arc::new(File::open("/dev/null").unwrap().into())
    }

    #[test]
    fn bodies_of_every_size_arrive() {
        let (a, b) = socket::pair().unwrap();
        for len in [0, 1, INLINE_MAX, INLINE_MAX + 1, 3 << 20] {
            let body: Vec<u8> = (0..len).map(|i| i as u8).collect();
            send(&a, Kind::Task, &body, &[], true).unwrap();
            let frame = receive(&b, true).unwrap().unwrap();
            assert_eq!((frame.kind, frame.body.len()), (Kind::Task, len));
            assert!(frame.body == body);
        }
        drop(a);
        assert!(receive(&b, true).unwrap().is_none());
    }

    #[test]
    fn hundreds_of_descriptors_arrive_with_a_spilled_body() {
        let (a, b) = socket::pair().unwrap();
        let descriptors: Vec<_> = (0..600).map(|_| descriptor()).collect();
        send(&a, Kind::Returned, &vec![1; INLINE_MAX * 2], &descriptors, true).unwrap();
        let frame = receive(&b, true).unwrap().unwrap();
        assert_eq!((frame.body.len(), frame.descriptors.len()), (INLINE_MAX * 2, 600));
    }

    #[test]
    fn what_was_sent_before_a_death_arrives() {
        let (a, b) = socket::pair().unwrap();
        send(&b, Kind::Born, &[1], &[], true).unwrap();
        send(&a, Kind::Ask, &[2], &[], true).unwrap();
        drop(b);
        assert_eq!(receive(&a, false).unwrap().unwrap().body, [1]);
        assert!(receive(&a, false).unwrap().is_none());
    }

    #[test]
    fn a_sparse_body_is_refused_without_an_allocation() {
        let (a, b) = socket::pair().unwrap();
        let memfd = memfd_create("sparse", MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&memfd, 1 << 40).unwrap();
        let header = Header { kind: Kind::Task, in_memfd: true, descriptors: 0, len: 1 << 40 };
        socket::send(&a, &[IoSlice::new(&header.to_bytes())], &[memfd.as_fd()], true).unwrap();
        assert!(matches!(receive(&b, true), Err(Error::Garbled { .. })));
    }

    proptest! {
        #[test]
        fn hostile_packets_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 1..200), honest: bool, fds in 0usize..3) {
            let (a, b) = socket::pair().unwrap();
            if honest && bytes.len() > 4 {
                bytes[..4].copy_from_slice(&MAGIC);
            }
            let keep: Vec<_> = (0..fds).map(|_| descriptor()).collect();
            let lent: Vec<_> = keep.iter().map(|one| one.as_fd()).collect();
            socket::send(&a, &[IoSlice::new(&bytes)], &lent, true).unwrap();
            drop(a);
            let _ = receive(&b, true);
        }
    }
}
