//! What a pipe promises beyond CPython's tests: types, errors, threads, several processes at one end.

use std::convert::Infallible;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use offspring::{
    Connection, Error, RecvError, RecvTimeoutError, SendError, Shared, TryRecvError, message, pipe,
    process,
};

use crate::support::{A_WHILE, until};

#[test]
fn errors_are_those_of_std_and_turn_into_the_crates() {
    let (a, b) = pipe::<u32, String>().unwrap();
    assert!(matches!(a.try_recv(), Err(TryRecvError::Empty)));
    let start = Instant::now();
    assert!(matches!(a.recv_timeout(A_WHILE), Err(RecvTimeoutError::TimedOut)));
    assert!(start.elapsed() >= A_WHILE);

    b.send("last".to_owned()).unwrap();
    drop(b);
    assert_eq!(a.recv().unwrap(), "last");
    assert!(matches!(a.try_recv(), Err(TryRecvError::Eof)));
    assert!(matches!(a.recv_timeout(A_WHILE), Err(RecvTimeoutError::Eof)));
    assert!(matches!(a.recv(), Err(RecvError::Eof)));
    let Err(SendError::Eof(7)) = a.send(7) else { panic!("it was sent to nobody") };

    let ends = || -> offspring::Result<()> {
        a.send(8)?;
        Ok(())
    };
    assert!(matches!(ends(), Err(Error::Eof)));
    assert!(matches!(Error::from(a.recv().unwrap_err()), Error::Eof));
    assert!(matches!(Error::from(TryRecvError::Empty), Error::Empty));
    assert!(matches!(Error::from(RecvTimeoutError::TimedOut), Error::TimedOut));
    assert_eq!(a.send(9).unwrap_err().into_inner(), 9);
    assert_eq!(a.recv().unwrap_err().to_string(), "the other end of the connection is gone");
}

/// A value that shows nothing of itself, and cannot be sent.
#[message]
struct Stubborn {
    path: std::path::PathBuf,
}

#[test]
fn what_cannot_be_sent_comes_back() {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(&[0xff])).to_owned();
    let (a, b) = pipe::<Stubborn, Infallible>().unwrap();
    let error = a.send(Stubborn { path: path.clone() }).unwrap_err();
    assert!(error.to_string().contains("`message` cannot be sent"), "{error:?}");
    let SendError::Failed(back, Error::Encode { .. }) = error else { panic!() };
    assert_eq!(back.path, path);
    assert!(!b.poll(Duration::ZERO).unwrap());
}

#[test]
fn values_and_bytes_are_not_taken_for_each_other() {
    let (a, b) = pipe::<String, Infallible>().unwrap();
    a.send("value".to_owned()).unwrap();
    a.send_bytes(b"bytes").unwrap();
    a.send("value".to_owned()).unwrap();
    assert!(matches!(b.recv_bytes(), Err(RecvError::Failed(Error::Garbled { .. }))));
    assert!(matches!(b.recv(), Err(RecvError::Failed(Error::Garbled { .. }))));
    assert_eq!(b.recv().unwrap(), "value");
}

/// Receives something else while it is received.
#[derive(Debug)]
struct Nested(u8);

impl offspring::__private::serde::Serialize for Nested {
    fn serialize<S: offspring::__private::serde::Serializer>(
        &self,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let (a, b) = pipe::<u8, Infallible>().map_err(custom)?;
        a.send(self.0).map_err(custom)?;
        s.serialize_u8(b.recv().map_err(custom)? + 1)
    }
}

impl<'de> offspring::__private::serde::Deserialize<'de> for Nested {
    fn deserialize<D: offspring::__private::serde::Deserializer<'de>>(
        d: D,
    ) -> Result<Self, D::Error> {
        let number: u8 = offspring::__private::serde::Deserialize::deserialize(d)?;
        let (a, b) = pipe::<u8, Infallible>().map_err(custom_de)?;
        a.send(number).map_err(custom_de)?;
        Ok(Self(b.recv().map_err(custom_de)? + 1))
    }
}

fn custom<E: offspring::__private::serde::ser::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

fn custom_de<E: offspring::__private::serde::de::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

#[test]
fn a_message_may_use_connections_while_it_is_written_and_read() {
    let (a, b) = pipe::<(String, Nested, String), Infallible>().unwrap();
    a.send(("before".to_owned(), Nested(1), "after".to_owned())).unwrap();
    let (before, Nested(number), after) = b.recv().unwrap();
    assert_eq!((before.as_str(), number, after.as_str()), ("before", 3, "after"));
}

#[test]
fn sizes_around_every_limit_arrive_whole() {
    let (a, b) = pipe::<Vec<u16>, Infallible>().unwrap();
    let kib = 1 << 10;
    for len in [0, 1, 48 * kib - 5, 48 * kib - 4, 48 * kib, 48 * kib + 1, 300_000, 9 << 20] {
        let sent: Vec<u16> = (0..len).map(|i| i as u16).collect();
        a.send(sent.clone()).unwrap();
        assert!(b.recv().unwrap() == sent, "{len}");
        let bytes: Vec<u8> = (0..len * 2).map(|i| (i / 3) as u8).collect();
        a.send_bytes(&bytes).unwrap();
        assert!(b.recv_bytes().unwrap() == bytes, "{len}");
    }
}

#[test]
fn threads_share_an_end_without_mixing_messages() {
    let (a, b) = pipe::<(usize, u32, Vec<u8>), Infallible>().unwrap();
    let each = 300;
    let mut received: Vec<(usize, u32)> = thread::scope(|scope| {
        for thread in 0..4 {
            let a = &a;
            scope.spawn(move || {
                for number in 0..each {
                    let len = if number % 50 == 0 { 300_000 } else { number as usize };
                    a.send((thread, number, vec![number as u8; len])).unwrap();
                }
            });
        }
        let receivers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    for _ in 0..each * 2 {
                        let (thread, number, bytes) = b.recv().unwrap();
                        assert!(bytes.iter().all(|&byte| byte == number as u8));
                        seen.push((thread, number));
                    }
                    // What one receiver sees of one sender is in order.
                    for thread in 0..4 {
                        let numbers = seen.iter().filter(|one| one.0 == thread);
                        assert!(numbers.is_sorted());
                    }
                    seen
                })
            })
            .collect();
        receivers.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    received.sort_unstable();
    let all: Vec<_> = (0..4).flat_map(|thread| (0..each).map(move |n| (thread, n))).collect();
    assert_eq!(received, all);
}

#[process]
fn take_all(from: &Connection<Infallible, u64>) -> Vec<u64> {
    let mut all = Vec::new();
    while let Ok(number) = from.recv() {
        all.push(number);
    }
    all
}

#[process]
fn put_some(into: &Connection<u64, Infallible>, numbers: Vec<u64>) {
    for number in numbers {
        into.send(number).unwrap();
    }
}

/// Whether a child that is told nothing keeps this end open.
#[process]
fn bystander(go_on: &Shared<std::sync::atomic::AtomicBool>) {
    while !go_on.load(std::sync::atomic::Ordering::Acquire) {
        thread::sleep(Duration::from_millis(1));
    }
}

under_each_method! {
    fn several_processes_at_one_end_each_get_whole_messages() {
        let (writer, reader) = pipe().unwrap();
        let takers: Vec<_> = (0..2).map(|_| take_all::spawn(&reader).unwrap()).collect();
        let putters: Vec<_> =
            (0..2).map(|n| put_some::spawn(&writer, (n * 500..n * 500 + 500).collect()).unwrap()).collect();
        for putter in putters {
            putter.join().unwrap();
        }
        drop(writer);
        let mut all: Vec<u64> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..1000));
    }

    fn a_child_that_was_not_given_an_end_does_not_keep_it_open() {
        let go_on = Shared::new(std::sync::atomic::AtomicBool::new(false)).unwrap();
        let (a, b) = pipe::<(), u32>().unwrap();
        let child = bystander::spawn(&go_on).unwrap();
        drop(b);
        assert!(matches!(a.recv(), Err(RecvError::Eof)));
        assert!(child.is_alive());
        go_on.store(true, std::sync::atomic::Ordering::Release);
        child.join().unwrap();
    }

    fn a_sender_far_ahead_waits_and_loses_nothing() {
        let (writer, reader) = pipe::<u64, Infallible>().unwrap();
        let putter = put_some::spawn(&writer, (0..5000).collect()).unwrap();
        drop(writer);
        until(|| crate::support::state(putter.pid()) == Some('S'));
        for number in 0..5000 {
            assert_eq!(reader.recv().unwrap(), number);
        }
        assert!(matches!(reader.recv(), Err(RecvError::Eof)));
        putter.join().unwrap();
    }
}
