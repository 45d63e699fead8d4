//! What each kind of thing is ready for; which are reported; and what is refused.

#![allow(
    unsafe_code,
    reason = "a descriptor that is not open, as one is after a mistake elsewhere"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use offspring::{Client, Error, Event, Listener, Queue, Selectable, Shared, process, select, sync};

use crate::support::{A_WHILE, NOW, SOON, sleep, with_byte};

#[process]
fn set_later(event: &Event) {
    thread::sleep(A_WHILE);
    event.set();
}

#[process]
fn put_later(queue: &Queue<u32>, item: u32) {
    thread::sleep(A_WHILE);
    queue.put(item).unwrap();
}

#[process]
fn keep(_queue: &Queue<u32>, stop: &Event) {
    stop.wait();
}

under_each_method! {
    fn a_queue_with_an_item() {
        let queues: Vec<_> = (0..3).map(|_| Queue::new().unwrap()).collect();
        let [a, b, c] = &queues[..] else { unreachable!() };
        assert!(select(&[a, b, c], NOW).unwrap().is_empty());
        let child = put_later::spawn(b, 7).unwrap();
        assert_eq!(select(&[a, b, c], SOON).unwrap(), [1]);
        // Nothing was taken.
        assert_eq!(select(&[a, b, c], None).unwrap(), [1]);
        assert_eq!(b.get().unwrap(), 7);
        child.join().unwrap();
    }

    fn a_queue_that_was_closed() {
        let queue = Queue::<u32>::new().unwrap();
        let other = queue.clone();
        let waiter = thread::spawn(move || select(&[&other], SOON));
        queue.close();
        assert_eq!(waiter.join().unwrap().unwrap(), [0]);
        assert_eq!(select(&[&queue], None).unwrap(), [0]);
    }

    fn a_queue_that_nobody_else_has() {
        let (queue, stop) = (Queue::<u32>::new().unwrap(), Event::new().unwrap());
        assert!(select(&[&queue], Some(A_WHILE)).unwrap().is_empty(), "nobody ever had it");
        let keeper = keep::spawn(&queue, &stop).unwrap();
        assert!(select(&[&queue], Some(2 * A_WHILE)).unwrap().is_empty(), "there is a keeper");
        stop.set();
        assert_eq!(select(&[&queue], None).unwrap(), [0]);
        assert!(matches!(queue.get(), Err(offspring::GetError::PeerDied)));
        keeper.join().unwrap();
        assert_eq!(select(&[&queue], NOW).unwrap(), [0]);
    }

    fn an_event_that_is_set() {
        let [a, b] = [(); 2].map(|()| Event::new().unwrap());
        assert!(select(&[&a, &b], NOW).unwrap().is_empty());
        let child = set_later::spawn(&b).unwrap();
        assert_eq!(select(&[&a, &b], SOON).unwrap(), [1]);
        child.join().unwrap();
        b.clear();
        assert!(select(&[&a, &b], NOW).unwrap().is_empty());
    }

    fn a_process_that_has_ended() {
        let event = Event::new().unwrap();
        let (still, ends) = (sleep::spawn().unwrap(), set_later::spawn(&event).unwrap());
        assert_eq!(select(&[&still, &ends], SOON).unwrap(), [1]);
        // Also after it was waited for.
        ends.wait().unwrap();
        assert_eq!(select(&[&still, &ends], None).unwrap(), [1]);
        still.kill().unwrap();
        assert_eq!(select(&[&still], SOON).unwrap(), [0]);
    }
}

/// Who waited when it was set is told so, although it is not set any more.
#[test]
fn an_event_that_was_set_and_cleared_at_once() {
    let event = Shared::new(sync::Event::new()).unwrap();
    let never = Event::new().unwrap();
    for _ in 0..200 {
        thread::scope(|scope| {
            let waiter = scope.spawn(|| select(&[&never, &*event], SOON));
            while !waiter.is_finished() {
                event.set();
                event.clear();
                thread::yield_now();
            }
            assert_eq!(waiter.join().unwrap().unwrap(), [1]);
        });
    }
}

#[test]
fn whatever_has_a_descriptor() {
    let (one, other) = UnixStream::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut output, input) = {
        let (input, output) = std::io::pipe().unwrap();
        (output, OwnedFd::from(input))
    };
    let borrowed = one.as_fd();
    let items: [&dyn Selectable; 5] = [&one, &listener, &input, &borrowed, &&other];
    assert!(select(&items, NOW).unwrap().is_empty());

    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(select(&items, SOON).unwrap(), [1]);
    let (server, _) = listener.accept().unwrap();
    output.write_all(b"!").unwrap();
    (&other).write_all(b"!").unwrap();
    assert_eq!(select(&items, SOON).unwrap(), [0, 2, 3]);
    (&one).read_exact(&mut [0]).unwrap();
    assert_eq!(select(&items, SOON).unwrap(), [2]);

    // The end counts.
    let shared = Arc::new(client);
    assert!(select(&[&shared, &server], NOW).unwrap().is_empty());
    drop(server);
    assert_eq!(select(&[&one, &shared], SOON).unwrap(), [1]);
    assert_eq!(select(&[&std::fs::File::open("/dev/null").unwrap()], None).unwrap(), [0]);
}

/// Between programs as well: a client that knocks, a message, the end.
#[test]
fn connections_and_listeners() {
    for address in ["@", "127.0.0.1:0"] {
        let address = match address {
            "@" => format!("@offspring-select-{}", std::process::id()),
            tcp => tcp.to_owned(),
        };
        let listener = Listener::bind(&address, b"key").unwrap();
        assert!(select(&[&listener], NOW).unwrap().is_empty());
        let address = listener.address().to_string();
        let client = thread::spawn(move || Client::connect::<u32, u32>(&address, b"key").unwrap());
        assert_eq!(select(&[&listener], SOON).unwrap(), [0]);
        let server = listener.accept::<u32, u32>().unwrap();
        let client = client.join().unwrap();
        let queue = Queue::<u32>::new().unwrap();
        assert!(select(&[&queue, &server, &client], NOW).unwrap().is_empty());
        client.send(1).unwrap();
        assert_eq!(select(&[&queue, &server, &client], SOON).unwrap(), [1]);
        assert_eq!(server.recv().unwrap(), 1);
        assert!(select(&[&server, &client], NOW).unwrap().is_empty());
        drop(client);
        assert_eq!(select(&[&queue, &server], SOON).unwrap(), [1]);
    }
}

/// All of them have knocked before the first one is let in.
#[test]
fn each_of_many_clients_makes_a_listener_ready() {
    let listener = Listener::bind("127.0.0.1:0", b"key").unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let server = Client::connect::<(), u32>(listener.address(), b"key").unwrap();
                assert_eq!(server.recv().unwrap(), 7);
            });
        }
        thread::sleep(A_WHILE);
        for _ in 0..4 {
            assert_eq!(select(&[&listener], SOON).unwrap(), [0]);
            listener.accept::<u32, ()>().unwrap().send(7).unwrap();
        }
        assert!(select(&[&listener], NOW).unwrap().is_empty());
    });
}

#[test]
fn all_that_are_ready_in_the_order_given() {
    let queues: Vec<_> = (0..4).map(|_| Queue::new().unwrap()).collect();
    let [a, b, c, d] = &queues[..] else { unreachable!() };
    let (event, unset) = (Event::new().unwrap(), Event::new().unwrap());
    let (socket, _other) = with_byte();
    event.set();
    for queue in [a, c, d] {
        queue.put(1).unwrap();
    }
    assert_eq!(select(&[d, &unset, &socket, b, &event, a, d], None).unwrap(), [0, 2, 4, 5, 6]);
    assert_eq!(select(&[b, &unset, &event], None).unwrap(), [2]);
    assert_eq!(select(&[&socket, b, c], None).unwrap(), [0, 2]);
}

/// Not earlier; by any of the ways to wait.
#[test]
fn time_runs_out() {
    let (queue, event) = (Queue::<u32>::new().unwrap(), Event::new().unwrap());
    let (socket, _other) = UnixStream::pair().unwrap();
    let ways: [&[&dyn Selectable]; 4] =
        [&[&queue, &event], &[&socket], &[&queue, &event, &socket], &[]];
    for items in ways {
        for time in [Duration::ZERO, A_WHILE] {
            let start = Instant::now();
            assert_eq!(select(items, Some(time)).unwrap(), [0; 0]);
            assert!(start.elapsed() >= time);
        }
    }
    event.set();
    assert_eq!(select(&[&queue, &event], Some(Duration::MAX)).unwrap(), [1]);
    assert_eq!(select(&[&socket, &event], Some(Duration::MAX)).unwrap(), [1]);
}

#[test]
fn nothing_to_wait_for_is_refused_without_a_timeout() {
    let refused = select(&[], None).unwrap_err();
    assert!(refused.to_string().contains("nothing to wait for"), "{refused}");
}

#[test]
fn what_is_not_open_is_refused_by_its_position() {
    // SAFETY: no file is ever opened with this number: no process may have so many.
    let closed = unsafe { BorrowedFd::borrow_raw(i32::MAX - 1) };
    let (queue, (socket, _other)) = (Queue::<u32>::new().unwrap(), with_byte());
    let cases: [&[&dyn Selectable]; 2] =
        [&[&socket, &socket, &closed], &[&socket, &queue, &closed]];
    for items in cases {
        let refused = select(items, None).unwrap_err();
        assert!(matches!(refused, Error::System { .. }));
        assert!(refused.to_string().contains("position 2 is not open"), "{refused}");
    }
}

/// More than the kernel lets one sleep on at once.
#[test]
fn hundreds_of_queues_and_events() {
    let queues: Vec<_> = (0..100).map(|_| Queue::new().unwrap()).collect();
    let events: Vec<_> = (0..100).map(|_| Event::new().unwrap()).collect();
    let (socket, _other) = UnixStream::pair().unwrap();
    let mut items: Vec<&dyn Selectable> = queues.iter().map(|queue| queue as _).collect();
    items.extend(events.iter().map(|event| event as &dyn Selectable));
    for with_socket in [false, true] {
        if with_socket {
            items.push(&socket);
        }
        for position in [0, 99, 100, 199] {
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(5));
                    match queues.get(position) {
                        Some(queue) => queue.put(1).unwrap(),
                        None => events[position - 100].set(),
                    }
                });
                assert_eq!(select(&items, SOON).unwrap(), [position]);
            });
            match queues.get(position) {
                Some(queue) => assert_eq!(queue.get().unwrap(), 1),
                None => events[position - 100].clear(),
            }
        }
    }
}
