//! CPython's `TestIgnoreEINTR`, and more of it: a storm of signals on a thread that sends, receives, polls and accepts.

#![allow(unsafe_code, reason = "a handler, and signals to one thread")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::{Client, Connection, Listener, RecvTimeoutError, pipe, process};

static SEEN: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(_: i32) {
    SEEN.fetch_add(1, Relaxed);
}

/// Runs `body` on a thread that a signal hits every 50 microseconds, without `SA_RESTART`.
fn in_a_storm(body: impl FnOnce()) {
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    let before = SEEN.load(Relaxed);
    // SAFETY: a thread may always ask for its own handle.
    let target = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                // SAFETY: the thread lives until this scope has ended.
                unsafe { libc::pthread_kill(target, libc::SIGUSR1) };
                thread::sleep(Duration::from_micros(50));
            }
        });
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        done.store(true, Relaxed);
        ended.unwrap();
    });
    assert!(SEEN.load(Relaxed) > before + 100, "that was no storm");
}

#[process(start = "spawn")]
fn slowly_back(connection: Connection<Vec<u8>, Vec<u8>>) {
    while let Ok(bytes) = connection.recv() {
        thread::sleep(Duration::from_millis(2));
        connection.send(bytes).unwrap();
    }
}

#[process(start = "spawn")]
fn slowly_connect(address: &str) {
    thread::sleep(Duration::from_millis(20));
    let connection = Client::connect::<Vec<u8>, Infallible>(address, "").unwrap();
    thread::sleep(Duration::from_millis(20));
    connection.send(vec![1; 16 << 20]).unwrap();
}

#[test]
fn sending_receiving_and_polling_go_on_through_signals() {
    let (mine, theirs) = pipe::<Vec<u8>, Vec<u8>>().unwrap();
    let child = slowly_back::spawn(theirs).unwrap();
    in_a_storm(|| {
        for (len, ahead) in [(10, 100), (300_000, 5), (16 << 20, 2)] {
            for round in 0..ahead {
                mine.send(vec![round; len]).unwrap();
            }
            for round in 0..ahead {
                assert!(mine.poll(Duration::MAX).unwrap());
                let bytes = mine.recv().unwrap();
                assert!(bytes.len() == len && bytes.iter().all(|&byte| byte == round));
            }
            let start = Instant::now();
            assert!(!mine.poll(Duration::from_millis(10)).unwrap());
            let none = mine.recv_timeout(Duration::from_millis(10));
            assert!(matches!(none, Err(RecvTimeoutError::TimedOut)));
            assert!(start.elapsed() >= Duration::from_millis(20));
        }
    });
    drop(mine);
    child.join().unwrap();
}

#[test]
fn accepting_and_streams_go_on_through_signals() {
    for address in ["127.0.0.1:0", &format!("@offspring-storm-{}", std::process::id())] {
        let listener = Listener::bind(address, "").unwrap();
        let child = slowly_connect::spawn(listener.address()).unwrap();
        in_a_storm(|| {
            let connection = listener.accept::<Infallible, Vec<u8>>().unwrap();
            assert!(connection.recv().unwrap() == vec![1; 16 << 20]);
        });
        child.join().unwrap();
    }
}
