//! CPython's tests of connections, `_TestConnection` and `_TestPoll`, in our words.

use std::convert::Infallible;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use offspring::{
    Connection, Descriptor, Error, RecvError, RecvIntoError, TryRecvError, message, pipe, process,
};

use crate::support::{A_WHILE, DEADLINE};

#[message]
#[derive(Debug, Clone, PartialEq)]
enum Anything {
    Number(i64),
    Fraction(f64),
    Nothing,
    All(Vec<Anything>),
}

#[process]
fn echo_values(connection: Connection<Anything, Anything>) {
    while let Ok(value) = connection.recv() {
        connection.send(value).unwrap();
    }
}

#[process]
fn echo_bytes(connection: &Connection<(), ()>) {
    while let Ok(bytes) = connection.recv_bytes() {
        connection.send_bytes(&bytes).unwrap();
    }
}

#[process]
fn send_strings(connection: Connection<String, Infallible>, strings: Vec<String>) {
    for string in strings {
        connection.send(string).unwrap();
    }
}

#[process]
fn only_poll(connection: &Connection<(), Vec<u8>>) -> bool {
    connection.poll(DEADLINE).unwrap()
}

#[process]
fn write_to(connection: Connection<(), Descriptor>, text: &str) -> u64 {
    let file: std::fs::File = OwnedFd::from(connection.recv().unwrap()).into();
    std::io::Write::write_all(&mut &file, text.as_bytes()).unwrap();
    text.len() as u64
}

under_each_method! {
    /// `test_connection`
    fn values_and_bytes_come_back() {
        use Anything::{All, Fraction, Nothing, Number};
        let (mine, theirs) = pipe().unwrap();
        let child = echo_values::spawn(theirs).unwrap();
        let list = All(vec![Number(1), Fraction(2.25), Nothing]);
        mine.send(list.clone()).unwrap();
        assert_eq!(mine.recv().unwrap(), list);
        mine.close();
        child.join().unwrap();

        let (mine, theirs) = pipe::<(), ()>().unwrap();
        let child = echo_bytes::spawn(&theirs).unwrap();
        drop(theirs);
        mine.send_bytes(b"hello world").unwrap();
        assert_eq!(mine.recv_bytes().unwrap(), b"hello world");

        let mut buffer = [0; 40];
        mine.send_bytes(b"hello world").unwrap();
        assert_eq!(mine.recv_bytes_into(&mut buffer[3..]).unwrap(), 11);
        assert_eq!(&buffer[..15], b"\0\0\0hello world\0");

        let long = b"hello world".repeat(10);
        mine.send_bytes(&long).unwrap();
        let Err(RecvIntoError::TooShort(whole)) = mine.recv_bytes_into(&mut buffer) else { panic!() };
        assert_eq!(whole, long);

        assert!(!mine.poll(Duration::ZERO).unwrap());
        let start = Instant::now();
        assert!(!mine.poll(A_WHILE).unwrap());
        assert!(start.elapsed() >= A_WHILE);
        mine.send_bytes(b"there").unwrap();
        assert!(mine.poll(DEADLINE).unwrap());
        assert_eq!(mine.recv_bytes().unwrap(), b"there");

        let large: Vec<u8> = (0..16 << 20).map(|i: u32| (i >> 7) as u8).collect();
        mine.send_bytes(&large).unwrap();
        assert!(mine.recv_bytes().unwrap() == large);

        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(mine.recv_bytes(), Err(RecvError::Eof)));
        assert!(matches!(mine.recv(), Err(RecvError::Eof)));
        assert!(mine.poll(Duration::ZERO).unwrap());
    }

    /// `test_spawn_close`
    fn the_childs_end_may_be_closed_as_soon_as_it_has_started() {
        let (mine, theirs) = pipe::<(), ()>().unwrap();
        let child = echo_bytes::spawn(&theirs).unwrap();
        theirs.close();
        mine.send_bytes(b"hello").unwrap();
        assert_eq!(mine.recv_bytes().unwrap(), b"hello");
        drop(mine);
        child.join().unwrap();
    }

    /// `test_fd_transfer`, `test_large_fd_transfer`
    fn a_child_writes_to_a_file_that_was_sent_to_it() {
        let file = tempfile::tempfile().unwrap();
        // Numbers beyond what a byte holds.
        let many: Vec<_> = (0..300).map(|_| file.try_clone().unwrap()).collect();
        let last = many.last().unwrap().try_clone().unwrap();
        assert!(last.as_raw_fd() >= 256);
        for (sent, text) in [(file.try_clone().unwrap(), "foo"), (last, "bar")] {
            let (mine, theirs) = pipe::<Descriptor, ()>().unwrap();
            let child = write_to::spawn(theirs, text).unwrap();
            mine.send(OwnedFd::from(sent).into()).unwrap();
            assert_eq!(child.join().unwrap(), 3);
        }
        assert_eq!(crate::support::contents(file), "foobar");
    }

    /// `_TestPoll.test_strings`, `test_dont_merge`
    fn messages_come_one_by_one_in_order() {
        let strings = ["hello", "", "a", "b", "", "c", "de", "f"].map(String::from).to_vec();
        let (mine, theirs) = pipe::<Infallible, String>().unwrap();
        let child = send_strings::spawn(theirs, strings.clone()).unwrap();
        for string in strings {
            assert!(mine.poll(DEADLINE).unwrap());
            assert!(mine.poll(Duration::ZERO).unwrap());
            assert_eq!(mine.recv().unwrap(), string);
        }
        assert!(matches!(mine.recv(), Err(RecvError::Eof)));
        child.join().unwrap();
    }

    /// `_TestPoll.test_boundaries`
    fn who_only_polls_takes_nothing() {
        let (mine, theirs) = pipe::<Vec<u8>, ()>().unwrap();
        mine.send(b"a".repeat(300_000)).unwrap();
        let child = only_poll::spawn(&theirs).unwrap();
        drop(theirs);
        assert!(child.join().unwrap());
        // The message was left, and with its only reader gone it went.
        assert!(matches!(mine.send(Vec::new()), Err(offspring::SendError::Eof(_))));

        let (mine, theirs) = pipe::<Vec<u8>, ()>().unwrap();
        mine.send(vec![1, 2, 3]).unwrap();
        mine.send(vec![4]).unwrap();
        assert!(only_poll::spawn(&theirs).unwrap().join().unwrap());
        drop(mine);
        assert_eq!(theirs.recv().unwrap(), [1, 2, 3]);
        assert_eq!(theirs.recv().unwrap(), [4]);
    }
}

/// `_TestPoll.test_empty_string`
#[test]
fn an_empty_message_is_one() {
    let (a, b) = pipe::<(), ()>().unwrap();
    a.send_bytes(b"").unwrap();
    assert!(b.poll(Duration::ZERO).unwrap());
    assert!(b.poll(Duration::ZERO).unwrap());
    assert_eq!(b.recv_bytes().unwrap(), b"");
    assert!(!b.poll(Duration::ZERO).unwrap());
    assert!(matches!(b.try_recv(), Err(TryRecvError::Empty)));
}

/// `test_duplex_false`: a direction that is not used has no values; to send that way does not compile.
#[test]
fn one_way_is_a_type() {
    let (reader, writer) = pipe::<Infallible, u32>().unwrap();
    writer.send(1).unwrap();
    assert_eq!(reader.recv().unwrap(), 1);
}

/// `test_sendbytes`: what Python does with offsets are slices.
#[test]
fn parts_of_bytes_are_slices() {
    let letters: Vec<u8> = (b'a'..=b'z').collect();
    let (a, b) = pipe::<(), ()>().unwrap();
    for part in [&letters[..], &letters[5..], &letters[7..15], &letters[26..]] {
        a.send_bytes(part).unwrap();
        assert_eq!(b.recv_bytes().unwrap(), part);
    }
}

/// `test_missing_fd_transfer`
#[test]
fn a_descriptor_that_is_missing_is_an_error() {
    let (a, b) = pipe::<Descriptor, Infallible>().unwrap();
    a.send(OwnedFd::from(tempfile::tempfile().unwrap()).into()).unwrap();
    // Read without its descriptors, and sent on like that.
    let mut bytes = [0; 100];
    let (len, _) = rustix::net::recv(&b, &mut bytes[..], rustix::net::RecvFlags::empty()).unwrap();
    rustix::net::send(&a, &bytes[..len], rustix::net::SendFlags::empty()).unwrap();
    assert!(matches!(b.recv(), Err(RecvError::Failed(Error::Garbled { .. }))));
    // The connection goes on.
    a.send(OwnedFd::from(tempfile::tempfile().unwrap()).into()).unwrap();
    b.recv().unwrap().as_fd().as_raw_fd();
}
