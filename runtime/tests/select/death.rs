//! Deaths: of those who should have made a thing ready, and of those who wait.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use offspring::{Event, GetError, Process, Queue, process, select};

use crate::support::{A_WHILE, NOW, SOON, kill, sleep, until_asleep};

#[process]
fn hold(_queue: &Queue<u32>, ready: &Event) {
    ready.set();
    sleep();
}

#[process]
fn hold_and_connect(_queue: &Queue<u32>, address: std::net::SocketAddr) {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.write_all(b"!").unwrap();
    sleep();
}

/// Waits, and takes nothing.
#[process]
fn look_on(queue: &Queue<u32>, event: &Event) {
    loop {
        select(&[queue, event], None).unwrap();
    }
}

/// The same, with a helper thread.
#[process]
fn look_on_mixed(queue: &Queue<u32>, event: &Event) {
    let (input, _output) = std::io::pipe().unwrap();
    loop {
        select(&[queue, event, &input], None).unwrap();
    }
}

#[process]
fn get_one(queue: &Queue<u32>) -> u32 {
    queue.get().unwrap()
}

#[process]
fn wait_for_event(queue: &Queue<u32>, event: &Event) -> Vec<usize> {
    select(&[queue, event], None).unwrap()
}

#[process]
fn forward(queue: &Queue<u32>, to: &Queue<u32>) {
    for item in queue {
        to.put(item).unwrap();
    }
}

#[process]
fn put_for_ever(queue: &Queue<u32>) {
    for item in 0.. {
        queue.put(item).unwrap();
        thread::yield_now();
    }
}

fn asleep<R>(process: Process<R>) -> Process<R> {
    until_asleep(process.pid());
    process
}

under_each_method! {
    fn the_only_other_holder_of_a_queue_is_killed() {
        let (queue, ready) = (Queue::new().unwrap(), Event::new().unwrap());
        let holder = hold::spawn(&queue, &ready).unwrap();
        ready.wait();
        let process = holder.pid();
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            kill(holder);
        });
        assert_eq!(select(&[&queue], None).unwrap(), [0], "of process {process}");
        assert!(matches!(queue.get(), Err(GetError::PeerDied)));
        killer.join().unwrap();
    }

    /// Each of them shows it.
    fn a_peer_is_killed_that_everything_depends_on() {
        let queue = Queue::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = hold_and_connect::spawn(&queue, listener.local_addr().unwrap()).unwrap();
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.read_exact(&mut [0]).unwrap();
        assert!(select(&[&queue, &peer, &tcp], NOW).unwrap().is_empty());
        peer.kill().unwrap();
        let mut all = Vec::new();
        while all != [0, 1, 2] {
            all = select(&[&queue, &peer, &tcp], None).unwrap();
            assert!(!all.is_empty());
        }
        assert_eq!(tcp.read(&mut [0]).unwrap(), 0);
    }

    /// Whoever selects could take something later, and keeps those company who wait for room.
    fn a_selector_counts_as_one_who_is_left() {
        let (queue, ready) = (Queue::bounded(1).unwrap(), Event::new().unwrap());
        queue.put(1).unwrap();
        let holder = hold::spawn(&queue, &ready).unwrap();
        ready.wait();
        let done = Event::new().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(select(&[&queue], None).unwrap(), [0]);
                done.set();
                // For longer than the other one takes to find out that it is alone.
                thread::sleep(3 * A_WHILE);
                assert_eq!(queue.get().unwrap(), 1);
            });
            done.wait();
            kill(holder);
            queue.put(2).unwrap();
        });
        assert_eq!(queue.get().unwrap(), 2);
    }

    /// One with the turn to take sleeps beside them, and others who select.
    fn selectors_are_killed_in_their_sleep() {
        for _ in 0..5 {
            let (queue, event) = (Queue::new().unwrap(), Event::new().unwrap());
            let mut doomed = vec![asleep(look_on::spawn(&queue, &event).unwrap())];
            let getter = asleep(get_one::spawn(&queue).unwrap());
            doomed.push(asleep(look_on_mixed::spawn(&queue, &event).unwrap()));
            let waiter = asleep(wait_for_event::spawn(&queue, &event).unwrap());
            doomed.push(asleep(look_on::spawn(&queue, &event).unwrap()));
            doomed.into_iter().for_each(kill);
            event.set();
            assert_eq!(waiter.join().unwrap(), [1]);
            queue.put(3).unwrap();
            assert_eq!(getter.join().unwrap(), 3);
        }
    }

    /// At any moment of it, among them those at which they have just been woken.
    fn selectors_are_killed_while_items_pass_by() {
        let (queue, to, event) = (Queue::new().unwrap(), Queue::new().unwrap(), Event::new().unwrap());
        let forwarder = forward::spawn(&queue, &to).unwrap();
        let mut next = 0;
        for round in 0..15 {
            let selectors = [
                look_on::spawn(&queue, &event).unwrap(),
                look_on_mixed::spawn(&queue, &event).unwrap(),
            ];
            for _ in 0..20 + round {
                queue.put(next).unwrap();
                assert_eq!(to.get().unwrap(), next);
                next += 1;
            }
            selectors.into_iter().for_each(kill);
        }
        queue.close();
        forwarder.join().unwrap();
    }

    /// Who puts is killed at any moment: what it has put is seen, by those who select beside those who get.
    fn putters_are_killed_beside_a_selector() {
        let (queue, event) = (Queue::new().unwrap(), Event::new().unwrap());
        let _onlooker = look_on::task(&queue, &event).daemon(true).spawn().unwrap();
        for round in 0..20 {
            let putter = put_for_ever::spawn(&queue).unwrap();
            assert_eq!(select(&[&queue, &event], SOON).unwrap(), [0]);
            thread::sleep(Duration::from_micros(97 * round));
            kill(putter);
            let mut expected = 0;
            while let Ok(item) = queue.try_get() {
                assert_eq!(item, expected);
                expected += 1;
            }
            assert!(expected > 0);
            assert!(select(&[&queue, &event], NOW).unwrap().is_empty());
        }
    }
}
