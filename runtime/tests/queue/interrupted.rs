//! Signals whose handlers do not have system calls started again: no wait ends by them, too early or with an error.

#![allow(unsafe_code, reason = "a signal handler")]

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::{Event, GetTimeoutError, Process, PutTimeoutError, Queue, process};

use crate::support::{A_WHILE, until_asleep};

fn accept_signals() {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
}

/// What is waited in, by number.
#[process]
fn wait_for_item(queue: &Queue<u64>, ready: &Event, how: usize) -> Vec<u64> {
    accept_signals();
    ready.set();
    match how {
        0 => vec![queue.get().unwrap()],
        1 => queue.get_many(1).unwrap(),
        2 => vec![queue.get_with(|number| *number).unwrap()],
        _ => queue.iter().take(1).collect(),
    }
}

#[process]
fn wait_for_room(queue: &Queue<u64>, ready: &Event, how: usize) {
    accept_signals();
    ready.set();
    match how {
        0 => queue.put(5).unwrap(),
        1 => queue.put_many([5]).unwrap(),
        _ => queue.reserve().unwrap().write(5).unwrap(),
    }
}

#[process]
fn wait_for_writer(queue: &Queue<u64>, ready: &Event, go: &Event) {
    accept_signals();
    ready.set();
    go.wait();
    queue.put(5).unwrap();
}

/// Whether no wait with a limit was too short.
#[process]
fn time_out(queue: &Queue<u64>, ready: &Event) -> bool {
    accept_signals();
    ready.set();
    let start = Instant::now();
    let full = queue.put_timeout(5, 3 * A_WHILE);
    let first = start.elapsed();
    queue.get().unwrap();
    let start = Instant::now();
    let empty = queue.get_timeout(3 * A_WHILE);
    matches!(full, Err(PutTimeoutError::TimedOut(5)))
        && matches!(empty, Err(GetTimeoutError::TimedOut))
        && first.min(start.elapsed()) >= 3 * A_WHILE
}

fn disturb<T>(process: &Process<T>) {
    for _ in 0..30 {
        process.signal(offspring::Signal::SIGUSR1).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
}

under_each_method! {
    fn waiting_for_an_item() {
        for how in 0..4 {
            let (queue, ready) = (Queue::new().unwrap(), Event::new().unwrap());
            let waiter = wait_for_item::spawn(&queue, &ready, how).unwrap();
            ready.wait();
            until_asleep(waiter.pid());
            disturb(&waiter);
            queue.put(3).unwrap();
            assert_eq!(waiter.join().unwrap(), [3]);
        }
    }

    fn waiting_for_room() {
        for how in 0..3 {
            let (queue, ready) = (Queue::bounded(1).unwrap(), Event::new().unwrap());
            queue.put(4).unwrap();
            let waiter = wait_for_room::spawn(&queue, &ready, how).unwrap();
            ready.wait();
            until_asleep(waiter.pid());
            disturb(&waiter);
            assert_eq!(queue.get().unwrap(), 4);
            waiter.join().unwrap();
            assert_eq!(queue.get().unwrap(), 5);
        }
    }

    /// While somebody else is inside.
    fn waiting_for_those_who_write_in_place() {
        let (queue, [ready, go]) = (Queue::bounded(2).unwrap(), [(); 2].map(|()| Event::new().unwrap()));
        let waiter = wait_for_writer::spawn(&queue, &ready, &go).unwrap();
        ready.wait();
        let room = queue.reserve().unwrap();
        go.set();
        until_asleep(waiter.pid());
        disturb(&waiter);
        room.write(4).unwrap();
        waiter.join().unwrap();
        assert_eq!(queue.get_many(3).unwrap(), [4, 5]);
    }

    fn waiting_for_so_long() {
        let (queue, ready) = (Queue::bounded(1).unwrap(), Event::new().unwrap());
        queue.put(4).unwrap();
        let waiter = time_out::spawn(&queue, &ready).unwrap();
        ready.wait();
        for _ in 0..10 {
            disturb(&waiter);
        }
        assert!(waiter.join().unwrap());
    }
}
