//! What the kernel carries: a pipe, a pair of packet sockets, a POSIX message queue, and ipc-channel, which is made of
//! sockets.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process;
use std::sync::Mutex;

use ipc_channel::ipc;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockType, setsockopt, sockopt};
use nix::sys::stat::Mode;
use nix::unistd::pipe2;

use super::case::Case;
use super::lane::{Lane, Look, Seen, taken};
use crate::Fallible;

/// The largest pipe and socket buffer that the system gives by itself, where it has not been told otherwise.
const ROOM: usize = 1 << 20;
/// Larger items go in packets of this size.
const PACKET: usize = 1 << 16;
/// Messages that the system allows in a queue by itself.
const MESSAGES: i64 = 10;

/// A pipe.
#[derive(Debug)]
pub struct Pipe {
    from: File,
    to: File,
    case: Case,
}

impl Lane for Pipe {
    fn new(case: Case) -> Fallible<Self> {
        let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
        // A smaller one does as well.
        let _ = fcntl(&to, FcntlArg::F_SETPIPE_SZ(ROOM as i32));
        Ok(Self { from: from.into(), to: to.into(), case })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| (&self.to).write_all(source).expect("a pipe takes it"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::new(self.case);
        let mut buffer = vec![0; self.case.size() * self.case.batch()];
        Ok(move || {
            (&self.from).read_exact(&mut buffer).expect("a pipe gives it");
            look.at(&buffer)
        })
    }
}

/// A pair of packet sockets.
#[derive(Debug)]
pub struct Packets {
    ends: (OwnedFd, OwnedFd),
    case: Case,
}

impl Lane for Packets {
    fn new(case: Case) -> Fallible<Self> {
        let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
        let ends = socket::socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC)?;
        setsockopt(&ends.0, sockopt::SndBuf, &ROOM)?;
        Ok(Self { ends, case })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        let to = self.ends.0.as_raw_fd();
        Ok(move |source: &[u8]| {
            for packet in source.chunks(PACKET) {
                socket::send(to, packet, MsgFlags::empty()).expect("a socket takes it");
            }
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let from = self.ends.1.as_raw_fd();
        let look = Look::new(self.case);
        let mut buffer = vec![0; self.case.size()];
        Ok(move || {
            for packet in buffer.chunks_mut(PACKET) {
                socket::recv(from, packet, MsgFlags::empty()).expect("a socket gives it");
            }
            look.at(&buffer)
        })
    }
}

/// A POSIX message queue.
#[derive(Debug)]
pub struct Posix {
    queue: MqdT,
    case: Case,
}

impl Posix {
    /// Whether this process may have one.
    pub fn is_allowed() -> bool {
        open(Case::One8.size()).is_ok()
    }
}

/// A new one, of which nobody else can learn the name.
fn open(size: usize) -> Fallible<MqdT> {
    let name = format!("/offspring-bench-{}", process::id());
    let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
    let attributes = MqAttr::new(0, MESSAGES, size as i64, 0);
    let queue = mq_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR, Some(&attributes))?;
    mq_unlink(name.as_str())?;
    Ok(queue)
}

impl Lane for Posix {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { queue: open(case.size())?, case })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| mq_send(&self.queue, source, 0).expect("it takes it"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::new(self.case);
        let mut buffer = vec![0; self.case.size()];
        Ok(move || {
            mq_receive(&self.queue, &mut buffer, &mut 0).expect("it gives it");
            look.at(&buffer)
        })
    }
}

/// The channel for bytes of ipc-channel, the quicker of its two.
#[derive(Debug)]
pub struct IpcChannel {
    /// Neither end is `Sync`, so each process takes its copy out.
    sender: Mutex<Option<ipc::IpcBytesSender>>,
    receiver: Mutex<Option<ipc::IpcBytesReceiver>>,
    look: Look,
}

impl Lane for IpcChannel {
    fn new(case: Case) -> Fallible<Self> {
        let (sender, receiver) = ipc::bytes_channel()?;
        let (sender, receiver) = (Mutex::new(Some(sender)), Mutex::new(Some(receiver)));
        Ok(Self { sender, receiver, look: Look::new(case) })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        let sender = taken(&self.sender)?;
        Ok(move |source: &[u8]| sender.send(source).expect("nobody leaves"))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let receiver = taken(&self.receiver)?;
        Ok(move || self.look.at(&receiver.recv().expect("nobody leaves")))
    }
}
