//! `TestWait` of CPython's `test/_test_multiprocessing.py` (Lib/test at 3.14), with `select` for `connection.wait`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use offspring::{Event, Process, Selectable, process, select};

use crate::support::{A_WHILE, SOON};

const CHILDREN: usize = 4;
const MESSAGES: u32 = 10;

/// Sends its numbered messages, 8 bytes each, quickly or slowly.
fn send(to: &mut impl Write, slow: bool) {
    for number in 0..MESSAGES {
        if slow {
            thread::sleep(A_WHILE / 20 * (number % 3));
        }
        let mut message = std::process::id().to_ne_bytes().to_vec();
        message.extend(number.to_ne_bytes());
        to.write_all(&message).unwrap();
    }
}

#[process]
fn send_local(name: &str, slow: bool) {
    let address = SocketAddr::from_abstract_name(name).unwrap();
    send(&mut UnixStream::connect_addr(&address).unwrap(), slow);
}

#[process]
fn send_by_tcp(address: std::net::SocketAddr, slow: bool) {
    send(&mut TcpStream::connect(address).unwrap(), slow);
}

/// Receives from all until each has ended: as many as there are, complete, and each one's in order.
fn receive<S: Read + Selectable>(mut readers: Vec<S>, senders: Vec<Process<()>>) {
    let mut messages = Vec::new();
    while !readers.is_empty() {
        let items: Vec<_> = readers.iter().map(|reader| reader as &dyn Selectable).collect();
        let ready = select(&items, None).unwrap();
        assert!(!ready.is_empty());
        for position in ready.into_iter().rev() {
            let mut message = [0; 8];
            match readers[position].read_exact(&mut message) {
                Ok(()) => {
                    let (pid, number) = message.split_at(4);
                    let number = u32::from_ne_bytes(number.try_into().unwrap());
                    messages.push((u32::from_ne_bytes(pid.try_into().unwrap()), number));
                }
                Err(_) => drop(readers.remove(position)),
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

fn wait_local(slow: bool) {
    let name = format!("offspring-wait-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let senders: Vec<_> = (0..CHILDREN).map(|_| send_local::spawn(&name, slow).unwrap()).collect();
    let readers: Vec<_> = (0..CHILDREN).map(|_| listener.accept().unwrap().0).collect();
    receive(readers, senders);
}

fn wait_tcp(slow: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let senders: Vec<_> =
        (0..CHILDREN).map(|_| send_by_tcp::spawn(address, slow).unwrap()).collect();
    let readers: Vec<_> = (0..CHILDREN).map(|_| listener.accept().unwrap().0).collect();
    receive(readers, senders);
}

#[process]
fn signal_and_sleep(started: &Event) {
    started.set();
    thread::sleep(3 * A_WHILE);
}

under_each_method! {
    fn test_wait() {
        wait_local(false);
    }

    fn test_wait_slow() {
        wait_local(true);
    }

    fn test_wait_socket() {
        wait_tcp(false);
    }

    fn test_wait_socket_slow() {
        wait_tcp(true);
    }

    fn test_wait_timeout() {
        let (a, mut b) = UnixStream::pair().unwrap();
        let start = Instant::now();
        assert!(select(&[&a, &b], Some(3 * A_WHILE)).unwrap().is_empty());
        assert!(start.elapsed() >= 3 * A_WHILE);
        b.write_all(b"x").unwrap();
        assert_eq!(select(&[&a, &b], SOON).unwrap(), [0]);
    }

    /// The sentinel there is a number; here it is the process.
    fn test_wait_integer() {
        let (mut a, mut b) = UnixStream::pair().unwrap();
        let started = Event::new().unwrap();
        let child = signal_and_sleep::spawn(&started).unwrap();
        started.wait();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [1]);
        a.write_all(b"x").unwrap();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [1, 2]);
        b.write_all(b"x").unwrap();
        assert_eq!(select(&[&a, &child, &b], SOON).unwrap(), [0, 1, 2]);
        child.join().unwrap();
    }

    /// A negative time cannot be said; the shortest is none.
    fn test_neg_timeout() {
        let (a, b) = UnixStream::pair().unwrap();
        assert!(select(&[&a, &b], Some(Duration::ZERO)).unwrap().is_empty());
    }
}
