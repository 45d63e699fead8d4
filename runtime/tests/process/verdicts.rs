//! What a process is said to have died of is what it died of: not what it might have, or would have, later.

#![allow(unsafe_code, reason = "a handler of the task's own")]

use std::panic::catch_unwind;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SIGKILL, kill};
use nix::unistd::Pid;
use offspring::{JoinError, Process, Signal, Stdio, daemon, process};

use crate::support::{sleep, state, until};

/// Long enough to be killed in; the tests wait it out.
const LIMIT: Duration = Duration::from_millis(300);

#[process]
fn block_all_and_sleep() {
    nix::sys::signal::SigSet::all().thread_set_mask().unwrap();
    sleep();
}

/// The signal that a timeout is announced with is ignored.
#[process]
fn ignore_all_and_sleep() {
    for number in (1..=64).filter(|number| ![32, 33].contains(number)) {
        // SAFETY: SIG_IGN runs no code; those that cannot be ignored are refused.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
    sleep();
}

#[process]
fn catch_two_and_abort() {
    for _ in 0..2 {
        let caught = catch_unwind(|| panic!("caught long ago"));
        assert!(caught.is_err());
    }
    std::process::abort();
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

#[process]
fn catch_one_and_panic_twice() {
    let _ = catch_unwind(|| panic!("caught long ago"));
    let _bomb = Bomb;
    panic!("the fuse burns");
}

/// A thread that nobody ends has the stream that the end of the task wants to flush.
#[process]
fn leave_the_output_locked() -> u32 {
    let (said, heard) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let _lock = std::io::stdout().lock();
        said.send(()).unwrap();
        loop {
            thread::park();
        }
    });
    heard.recv().unwrap();
    7
}

/// As long as the attribute allows.
#[daemon(restart = "always", max_restarts = 2, within = "5000000h", backoff = "5000000h..5000000h")]
fn rest_for_ever() {}

fn kill_from_outside(process: &Process<()>) {
    kill(Pid::from_raw(process.pid() as i32), SIGKILL).unwrap();
}

#[track_caller]
fn assert_killed(process: Process<()>) {
    match process.join() {
        Err(JoinError::Signaled(Signal::SIGKILL)) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_timed_out(process: Process<()>) {
    match process.join() {
        Err(JoinError::TimedOut(LIMIT)) => {}
        other => panic!("{other:?}"),
    }
}

under_each_method! {
    /// Killed in time, whenever anybody asks: right after, or when the limit is long past.
    fn killed_long_before_its_timeout() {
        let looked_at = sleep::task().timeout(LIMIT).spawn().unwrap();
        let forgotten = sleep::task().timeout(LIMIT).spawn().unwrap();
        let deaf = block_all_and_sleep::task().timeout(LIMIT).spawn().unwrap();
        for process in [&looked_at, &forgotten, &deaf] {
            kill_from_outside(process);
        }
        looked_at.wait().unwrap();
        until(|| state(forgotten.pid()) == Some('Z') && state(deaf.pid()) == Some('Z'));
        thread::sleep(LIMIT * 3);
        assert_killed(looked_at);
        assert_killed(forgotten);
        assert_killed(deaf);
    }

    /// Too late to be the cause of anything.
    fn killed_after_its_timeout() {
        let seen = sleep::task().timeout(LIMIT).spawn().unwrap();
        seen.wait().unwrap();
        seen.kill().unwrap();
        assert_timed_out(seen);
        for task in [sleep::task(), block_all_and_sleep::task(), ignore_all_and_sleep::task()] {
            let unseen = task.timeout(LIMIT).spawn().unwrap();
            until(|| state(unseen.pid()) == Some('Z'));
            unseen.kill().unwrap();
            assert_timed_out(unseen);
        }
    }

    fn an_abort_after_caught_panics() {
        let process = catch_two_and_abort::task().stderr(Stdio::null()).spawn().unwrap();
        match process.join() {
            Err(JoinError::Signaled(signal)) => assert_eq!(signal.number(), 6),
            other => panic!("{other:?}"),
        }
    }

    /// Core's own last words, that it cannot go on, are not the reason; nor is what was caught before.
    fn a_panic_out_of_a_panic() {
        let process = catch_one_and_panic_twice::task().stderr(Stdio::null()).spawn().unwrap();
        match process.join() {
            Err(JoinError::Panicked(panic)) => {
                assert_eq!(panic.message, "the bomb went off");
                assert!(panic.location.unwrap().contains("verdicts.rs"));
            }
            other => panic!("{other:?}"),
        }
    }

    fn a_result_beside_a_stream_locked_for_ever() {
        assert_eq!(leave_the_output_locked::spawn().unwrap().join().unwrap(), 7);
    }

    fn pauses_beyond_every_clock() {
        let process = rest_for_ever::spawn().unwrap();
        until(|| state(process.pid()).is_none());
        assert_eq!(process.wait_timeout(Duration::from_millis(1)).unwrap(), None);
        assert!(process.is_alive());
        process.terminate().unwrap();
        process.wait().unwrap();
    }
}
