//! Everything in one call: whichever comes, ends the wait; and nothing of the call is left when it returns.

#![allow(unsafe_code, reason = "a signal handler that does nothing")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::{Event, Process, Queue, process, select};

use crate::support::{A_WHILE, NOW, SOON, open_descriptors, until_asleep};

/// A name for a socket that is nobody else's, and leaves no file.
fn address(name: &str) -> String {
    format!("offspring-select-{name}-{}", std::process::id())
}

fn abstract_name(name: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(name).unwrap()
}

/// Waits for five things of five kinds, and says which came, one after the other.
#[process]
fn watch(
    queue: &Queue<u32>,
    event: &Event,
    unix: &str,
    tcp: std::net::SocketAddr,
    seen: &Queue<Vec<usize>>,
) {
    let child = end_with::spawn(event).unwrap();
    let mut unix = UnixStream::connect_addr(&abstract_name(unix)).unwrap();
    let mut tcp = TcpStream::connect(tcp).unwrap();
    loop {
        let ready = select(&[queue, event, &unix, &child, &tcp], SOON).unwrap();
        assert!(!ready.is_empty());
        seen.put(ready.clone()).unwrap();
        for position in ready {
            match position {
                0 => assert_eq!(queue.get().unwrap(), 1),
                1 => break,
                2 => unix.read_exact(&mut [0]).unwrap(),
                3 => return child.join().unwrap(),
                _ => tcp.read_exact(&mut [0]).unwrap(),
            }
        }
        if event.is_set() {
            assert_eq!(select(&[queue, &unix, &child, &tcp], SOON).unwrap(), [2]);
            return child.join().unwrap();
        }
    }
}

#[process]
fn end_with(event: &Event) {
    event.wait();
}

fn sleeping<R>(process: &Process<R>) {
    until_asleep(process.pid());
    thread::sleep(A_WHILE / 10);
}

under_each_method! {
    fn whichever_comes_ends_the_wait() {
        let (queue, seen, event) = (Queue::new().unwrap(), Queue::new().unwrap(), Event::new().unwrap());
        let name = address("mixed");
        let listener = UnixListener::bind_addr(&abstract_name(&name)).unwrap();
        let tcp_listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp_address = tcp_listener.local_addr().unwrap();
        let watcher = watch::spawn(&queue, &event, &name, tcp_address, &seen).unwrap();
        let (mut unix, _) = listener.accept().unwrap();
        let (mut tcp, _) = tcp_listener.accept().unwrap();
        for _ in 0..5 {
            sleeping(&watcher);
            queue.put(1).unwrap();
            assert_eq!(seen.get().unwrap(), [0]);
            sleeping(&watcher);
            unix.write_all(b"!").unwrap();
            assert_eq!(seen.get().unwrap(), [2]);
            sleeping(&watcher);
            tcp.write_all(b"!").unwrap();
            assert_eq!(seen.get().unwrap(), [4]);
        }
        sleeping(&watcher);
        event.set();
        let last = seen.get().unwrap();
        assert!(last == [1] || last == [1, 3], "{last:?}");
        watcher.join().unwrap();
    }

    /// A start by fork would be refused if a thread were left, or a descriptor be inherited.
    fn nothing_is_left_of_a_call() {
        let (queue, event) = (Queue::<u32>::new().unwrap(), Event::new().unwrap());
        let (socket, mut other) = UnixStream::pair().unwrap();
        event.set();
        end_with::spawn(&event).unwrap().join().unwrap();
        let before = open_descriptors();
        for round in 0..20 {
            let time = A_WHILE / 100;
            assert!(select(&[&queue, &socket], Some(time)).unwrap().is_empty());
            let child = end_with::spawn(&event).unwrap();
            let ready = select(&[&queue, &child, &socket], SOON).unwrap();
            assert_eq!(ready, [1], "round {round}");
            child.join().unwrap();
        }
        // The fork server may have been asked for more of what it keeps ready.
        assert!(open_descriptors() <= before + 2);
        other.write_all(b"!").unwrap();
        assert_eq!(select(&[&queue, &socket], NOW).unwrap(), [1]);
    }
}

/// The other side of the race for a byte: what made the descriptor ready is gone before the selector has looked.
#[test]
fn a_byte_that_others_take_does_not_end_the_wait() {
    let queue = Queue::new().unwrap();
    let (socket, mut other) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut thief = socket.try_clone().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            loop {
                let ready = select(&[&queue, &socket], SOON).unwrap();
                assert!(!ready.is_empty());
                if ready.contains(&0) {
                    return queue.get().unwrap();
                }
            }
        });
        for _ in 0..300 {
            other.write_all(b"!").unwrap();
            let _ = thief.read(&mut [0; 8]);
        }
        queue.put(5).unwrap();
        assert_eq!(waiter.join().unwrap(), 5);
    });
}

/// A handler without SA_RESTART, which does nothing: the wait goes on, and is not over too soon.
#[process]
fn wait_among_signals(ready: &Event, way: u32) -> bool {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    let (queue, (socket, _other)) = (Queue::<u32>::new().unwrap(), UnixStream::pair().unwrap());
    ready.set();
    let (start, time) = (Instant::now(), 3 * A_WHILE);
    let found = match way {
        0 => select(&[&queue], Some(time)),
        1 => select(&[&socket], Some(time)),
        _ => select(&[&queue, &socket], Some(time)),
    };
    found.unwrap().is_empty() && start.elapsed() >= time
}

under_each_method! {
    fn signals_do_not_end_a_wait() {
        for way in 0..3 {
            let ready = Event::new().unwrap();
            let waiter = wait_among_signals::spawn(&ready, way).unwrap();
            ready.wait();
            while waiter.is_alive() {
                let _ = waiter.signal(offspring::Signal::SIGUSR1);
                thread::sleep(A_WHILE / 50);
            }
            assert!(waiter.join().unwrap());
        }
    }
}
