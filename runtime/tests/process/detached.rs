//! Nobody has to wait: a dropped handle leaves no zombie, a stolen status no one hanging.

#![allow(unsafe_code, reason = "dispositions of signals are changed, as a careless program may")]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use offspring::{JoinError, Shared, process};

use crate::support::{echo, own_children, sleep, state, until};

#[process]
fn count(runs: &Shared<AtomicU32>) {
    runs.fetch_add(1, SeqCst);
}

#[process]
fn fail() {
    std::process::exit(3);
}

fn counter() -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(0)).unwrap()
}

under_each_method! {
    fn a_dropped_handle_leaves_no_zombie() {
        let runs = counter();
        let pids: Vec<_> = (0..20).map(|_| count::spawn(&runs).unwrap().pid()).collect();
        until(|| pids.iter().all(|&pid| state(pid).is_none()));
        assert_eq!(runs.load(SeqCst), 20);
        until(|| process::active_children().is_empty());
    }

    fn a_dropped_handle_of_an_ended_process_too() {
        let process = fail::spawn().unwrap();
        let pid = process.pid();
        until(|| state(pid) == Some('Z'));
        drop(process);
        until(|| state(pid).is_none());
        assert!(!own_children().contains(&pid));
    }

    fn a_detached_process_is_listed_until_it_ends() {
        let process = sleep::spawn().unwrap();
        let pid = process.pid();
        drop(process);
        let listed = process::active_children();
        assert_eq!(listed.iter().map(|it| it.pid).collect::<Vec<_>>(), [pid]);
        assert_eq!(echo::task(1).start_method(offspring::StartMethod::Spawn).spawn().unwrap().join().unwrap(), 1);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
        until(|| state(pid).is_none());
    }

    /// The helper that watches detached children is no thread that forbids a fork.
    fn children_start_while_others_are_detached() {
        let sleepers: Vec<_> = (0..3).map(|_| sleep::spawn().unwrap().pid()).collect();
        for n in 0..5 {
            assert_eq!(echo::spawn(n).unwrap().join().unwrap(), n);
        }
        for pid in sleepers {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
            until(|| state(pid).is_none());
        }
    }

    /// `waitpid(-1)` elsewhere in the program takes what is ours to take.
    fn a_stolen_status_keeps_nobody_waiting() {
        let process = echo::spawn(6).unwrap();
        let pid = process.pid() as i32;
        until(|| state(process.pid()) == Some('Z'));
        assert!(matches!(waitpid(None, None).unwrap(), WaitStatus::Exited(of, 0) if of.as_raw() == pid));
        let status = process.wait().unwrap();
        assert_eq!((status.code(), status.signal(), status.success()), (None, None, false));
        assert!(!process.is_alive() && process.exit_status() == Some(status));
        process.kill().unwrap();
        assert_eq!(process.join().unwrap(), 6);

        let process = fail::spawn().unwrap();
        until(|| state(process.pid()) == Some('Z'));
        waitpid(None, None).unwrap();
        assert!(matches!(process.join(), Err(JoinError::Lost(_))));
        assert!(process::active_children().is_empty());
    }

    fn ignored_deaths_of_children() {
        // SAFETY: SIG_IGN runs no code.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap();
        assert_eq!(echo::spawn(6).unwrap().join().unwrap(), 6);
        let process = fail::spawn().unwrap();
        process.wait().unwrap();
        assert!(matches!(process.join(), Err(JoinError::Lost(_))));
        drop(echo::spawn(1).unwrap());
        until(|| process::active_children().is_empty());
    }
}
