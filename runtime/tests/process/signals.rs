//! A child's signals are those of an ordinary Rust program, whatever its parent has done to its own.

#![allow(unsafe_code, reason = "dispositions of signals are changed, as a parent may")]

use std::fs;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use offspring::process;

use crate::support::echo;

/// The masks of `/proc/PID/status`: bit n - 1 stands for signal n.
#[process]
fn masks() -> (u64, u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
    };
    (mask("SigBlk"), mask("SigIgn"), mask("SigCgt"))
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as i32 - 1)
}

extern "C" fn nothing(_: i32) {}

/// What a child must not have, besides its own: blocked, ignored or caught signals.
#[track_caller]
fn assert_ordinary((blocked, ignored, caught): (u64, u64, u64)) {
    assert_eq!(blocked, 0);
    assert_ne!(ignored & bit(Signal::SIGPIPE), 0);
    for signal in
        [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGCHLD]
    {
        assert_eq!((ignored | caught) & bit(signal), 0, "{signal}");
    }
}

under_each_method! {
    fn an_ordinary_child() {
        assert_ordinary(masks::spawn().unwrap().join().unwrap());
    }

    fn a_parent_that_blocks_everything() {
        SigSet::all().thread_set_mask().unwrap();
        assert_ordinary(masks::spawn().unwrap().join().unwrap());
        assert_ordinary(masks::spawn().unwrap().join().unwrap());
        assert_ne!(masks().0, 0);
    }

    fn a_parent_with_handlers_of_its_own() {
        echo::spawn(0).unwrap().join().unwrap();
        for caught in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGCHLD] {
            // SAFETY: the handler does nothing.
            unsafe { signal(caught, SigHandler::Handler(nothing)) }.unwrap();
        }
        assert_ordinary(masks::spawn().unwrap().join().unwrap());
        assert_ne!(masks().2 & bit(Signal::SIGINT), 0);
    }

    /// As under nohup(1).
    fn what_the_parent_ignores_stays_ignored() {
        // SAFETY: SIG_IGN runs no code.
        unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) }.unwrap();
        let (_, ignored, _) = masks::spawn().unwrap().join().unwrap();
        assert_ne!(ignored & bit(Signal::SIGHUP), 0);
    }
}
