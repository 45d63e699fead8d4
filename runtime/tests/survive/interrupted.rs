//! A storm of signals on the thread that spawns and waits.

#![allow(unsafe_code, reason = "a handler, and a signal to one thread")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::{StartMethod, process};

use crate::support::assert_only_helpers_remain;

static SEEN: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(_: i32) {
    SEEN.fetch_add(1, Relaxed);
}

#[process]
fn echo(text: Vec<String>) -> Vec<String> {
    text
}

#[process]
fn sleep(time: Duration) -> u32 {
    thread::sleep(time);
    7
}

/// Every wait once, on the thread that is stormed.
fn wait_in_every_way(method: StartMethod) {
    let text = vec!["storm".to_owned(); 3000];
    let echoed = echo::task(text.clone()).start_method(method).spawn().expect("a process more");
    assert_eq!(echoed.join().expect("a result"), text);

    let slow = sleep::task(Duration::from_millis(30))
        .start_method(method)
        .spawn()
        .expect("a process more");
    let (start, patience) = (Instant::now(), Duration::from_millis(10));
    let ended = slow.wait_timeout(patience).expect("a wait");
    assert!(ended.is_some() || start.elapsed() >= patience, "it returned early");
    let (start, quick) = (
        Instant::now(),
        echo::task(Vec::new()).start_method(method).spawn().expect("a process more"),
    );
    let ready = offspring::process::wait_any(&[&slow, &quick], Some(patience)).expect("a wait");
    assert!(!ready.is_empty() || start.elapsed() >= patience, "it returned early");
    assert!(!offspring::process::wait_any(&[&slow, &quick], None).expect("a wait").is_empty());
    assert!(slow.wait().expect("a wait").success());
    assert_eq!(slow.join().expect("a result"), 7);
    assert!(quick.join().expect("a result").is_empty());
}

#[test]
fn no_wait_is_ended_by_a_signal() {
    let _turn = crate::turn();
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
    let done = AtomicBool::new(false);
    // SAFETY: a thread may always ask for its own handle.
    let target = unsafe { libc::pthread_self() };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                // SAFETY: the thread lives until this scope has ended.
                unsafe { libc::pthread_kill(target, libc::SIGUSR1) };
                thread::sleep(Duration::from_micros(50));
            }
        });
        let ended = std::panic::catch_unwind(|| {
            (0..25).for_each(|_| wait_in_every_way(StartMethod::ForkServer));
            (0..10).for_each(|_| wait_in_every_way(StartMethod::Spawn));
        });
        done.store(true, Relaxed);
        ended.expect("every wait is waited out");
    });
    let seen = SEEN.load(Relaxed);
    eprintln!("interrupted: {seen} signals");
    assert!(seen > 1000, "that was no storm");
    assert_only_helpers_remain();
}
