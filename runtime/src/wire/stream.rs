//! A message of a connection on a stream of bytes, which may lead to another machine: a header, then the body.
//!
//! A sender killed in the middle leaves half a message: the receiver finds the end of the stream in it and says so. What
//! a header claims is believed only as far as bytes have come: room is made for a piece at a time. There
//! are no descriptors.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::garbled;
use super::packet::{Arrival, Content, HEADER, Header};
use crate::sys::socket;
use crate::{Error, Result};

/// Room is made for so many bytes at a time.
const PIECE: usize = 256 * 1024;

/// Sends a message, and waits until all of it is on its way.
///
/// # Errors
/// Those of the system; a part of the message may have been sent.
pub(crate) fn send(socket: impl AsFd, content: Content, body: [&[u8]; 2]) -> io::Result<()> {
    let [prefix, body] = body;
    let len = prefix.len() as u64 + body.len() as u64;
    let head = Header { content, descriptors: 0, len }.to_bytes();
    socket::send_all(socket, &mut [&head, prefix, body].map(IoSlice::new))?;
    Ok(())
}

/// Receives the next message, and waits for all of it.
///
/// # Errors
/// [`Error::Garbled`] when what came is not a message or ends too early, [`Error::System`] when the kernel refused.
pub(crate) fn receive(socket: impl AsFd) -> Result<Arrival<(Content, Vec<u8>)>> {
    let mut head = [0; HEADER];
    match fill(&socket, &mut head)? {
        0 => return Ok(Arrival::End),
        HEADER => {}
        _ => return Err(torn()),
    }
    let header = Header::parse(head).filter(|header| header.descriptors == 0);
    let Header { content, len, .. } = header.ok_or_else(|| garbled("its header is not ours"))?;
    let mut body = Vec::new();
    while (body.len() as u64) < len {
        let left = len - body.len() as u64;
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        body.try_reserve(piece).map_err(|_| Error::system("receive a message")(Errno::NOMEM))?;
        let start = body.len();
        body.resize(start + piece, 0);
        if fill(&socket, &mut body[start..])? < piece {
            return Err(torn());
        }
    }
    Ok(Arrival::Message((content, body)))
}

/// Fills `bytes` as far as the stream goes; how far that was.
fn fill(socket: impl AsFd, bytes: &mut [u8]) -> Result<usize> {
    socket::receive_all(socket, bytes).map_err(Error::system("receive a message"))
}

fn torn() -> Error {
    garbled("the other side is gone in the middle of it")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_of_every_size_arrive_and_then_the_end() {
        let (a, b) = UnixStream::pair().unwrap();
        for len in [0, 1, PIECE, PIECE + 1, 3 << 20] {
            let body: Vec<u8> = (0..len).map(|i| (i / 5) as u8).collect();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    send(&a, Content::Bytes, [&body[..len / 3], &body[len / 3..]]).unwrap();
                });
                let received = receive(&b).unwrap();
                assert!(received == Arrival::Message((Content::Bytes, body.clone())), "{len}");
            });
        }
        drop(a);
        assert_eq!(receive(&b).unwrap(), Arrival::End);
    }

    #[test]
    fn half_a_message_is_an_error_and_a_claim_is_not_believed() {
        let head = Header { content: Content::Value, descriptors: 0, len: 1 << 40 }.to_bytes();
        for sent in [&head[..7], &head[..], &[&head[..], &[0; 99]].concat()] {
            let (mut a, b) = UnixStream::pair().unwrap();
            a.write_all(sent).unwrap();
            drop(a);
            let error = receive(&b).unwrap_err().to_string();
            assert!(error.ends_with("gone in the middle of it"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), honest: bool) {
            if honest && bytes.len() > 16 {
                let head = Header { content: Content::Value, descriptors: 0, len: u64::from(bytes[0]) };
                bytes[..16].copy_from_slice(&head.to_bytes());
            }
            let (mut a, b) = UnixStream::pair().unwrap();
            a.write_all(&bytes).unwrap();
            drop(a);
            while let Ok(Arrival::Message(_)) = receive(&b) {}
        }
    }
}
