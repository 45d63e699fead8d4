//! `TestWait` of CPython's `test/_test_multiprocessing.py` (Lib/test at 3.14), with `select` for `connection.wait`.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use offspring::{Connection, Event, Process, RecvError, Selectable, pipe, process, select};

use crate::support::{A_WHILE, SOON};

const CHILDREN: usize = 4;
const MESSAGES: u32 = 10;

/// Who sends it, and which of its messages it is.
type Message = (u32, u32);

/// All messages of this process, quickly or slowly.
fn messages(slow: bool) -> impl Iterator<Item = Message> {
    (0..MESSAGES).map(move |number| {
        if slow {
            thread::sleep(A_WHILE / 20 * (number % 3));
        }
        (std::process::id(), number)
    })
}

#[process]
fn send(to: Connection<Message, Infallible>, slow: bool) {
    messages(slow).for_each(|message| to.send(message).unwrap());
}

#[process]
fn send_by_tcp(address: SocketAddr, slow: bool) {
    let mut to = TcpStream::connect(address).unwrap();
    for (pid, number) in messages(slow) {
        let message = u64::from(pid) << 32 | u64::from(number);
        to.write_all(&message.to_ne_bytes()).unwrap();
    }
}

/// Receives from all until each has ended: what came is complete, and each one's is in order.
fn receive<R: Selectable>(
    mut readers: Vec<R>,
    senders: Vec<Process<()>>,
    mut read: impl FnMut(&mut R) -> Option<Message>,
) {
    let mut messages = Vec::new();
    while !readers.is_empty() {
        let items: Vec<_> = readers.iter().map(|reader| reader as &dyn Selectable).collect();
        let ready = select(&items, None).unwrap();
        assert!(!ready.is_empty());
        for position in ready.into_iter().rev() {
            match read(&mut readers[position]) {
                Some(message) => messages.push(message),
                None => drop(readers.remove(position)),
            }
        }
    }
    let mut expected: Vec<_> = senders
        .iter()
        .flat_map(|sender| (0..MESSAGES).map(|number| (sender.pid(), number)))
        .collect();
    // By a stable sort: each one's are in the order in which they came.
    messages.sort_by_key(|(pid, _)| *pid);
    expected.sort_unstable();
    assert_eq!(messages, expected);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

fn wait(slow: bool) {
    let (mut readers, mut senders) = (Vec::new(), Vec::new());
    for _ in 0..CHILDREN {
        let (reader, writer) = pipe::<Infallible, Message>().unwrap();
        senders.push(send::spawn(writer, slow).unwrap());
        readers.push(reader);
    }
    receive(readers, senders, |reader| match reader.recv() {
        Ok(message) => Some(message),
        Err(RecvError::Eof) => None,
        Err(other) => panic!("{other}"),
    });
}

fn wait_socket(slow: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let senders: Vec<_> =
        (0..CHILDREN).map(|_| send_by_tcp::spawn(address, slow).unwrap()).collect();
    let readers: Vec<_> = (0..CHILDREN).map(|_| listener.accept().unwrap().0).collect();
    receive(readers, senders, |reader| {
        let mut message = [0; 8];
        reader.read_exact(&mut message).ok()?;
        let message = u64::from_ne_bytes(message);
        Some(((message >> 32) as u32, message as u32))
    });
}

#[process]
fn signal_and_sleep(started: &Event) {
    started.set();
    thread::sleep(3 * A_WHILE);
}

under_each_method! {
    fn test_wait() {
        wait(false);
    }

    fn test_wait_slow() {
        wait(true);
    }

    fn test_wait_socket() {
        wait_socket(false);
    }

    fn test_wait_socket_slow() {
        wait_socket(true);
    }

    fn test_wait_timeout() {
        let (a, b) = pipe::<(), ()>().unwrap();
        let start = Instant::now();
        assert!(select(&[&a, &b], Some(3 * A_WHILE)).unwrap().is_empty());
        assert!(start.elapsed() >= 3 * A_WHILE);
        b.send(()).unwrap();
        assert_eq!(select(&[&a, &b], SOON).unwrap(), [0]);
    }

    /// The sentinel there is a number; here it is the process.
    fn test_wait_integer() {
        let (a, b) = pipe::<(), ()>().unwrap();
        let started = Event::new().unwrap();
        let child = signal_and_sleep::spawn(&started).unwrap();
        started.wait();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [1]);
        a.send(()).unwrap();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [1, 2]);
        b.send(()).unwrap();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [0, 1, 2]);
        child.join().unwrap();
    }

    /// A negative time cannot be said; the shortest is none.
    fn test_neg_timeout() {
        let (a, b) = pipe::<(), ()>().unwrap();
        assert!(select(&[&a, &b], Some(Duration::ZERO)).unwrap().is_empty());
    }
}
