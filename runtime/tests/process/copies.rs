//! A task that forks by itself: the copy is no task, and what is open for the one is not kept by the other.

#![allow(unsafe_code, reason = "a task's own forks")]

use std::fs;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use offspring::{JoinError, process};

use crate::support::echo;

/// Forks; the copy ends as it is told to, and the task, once that is over, says how.
#[process]
fn fork_and_report(how: &str) -> i32 {
    // SAFETY: a task has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => match how {
            "return" => -1,
            "panic" => panic!("a copy's"),
            "exit" => std::process::exit(9),
            "spawn" => echo::spawn(5).unwrap().join().unwrap() as i32,
            _ => std::process::abort(),
        },
        ForkResult::Parent { child } => match waitpid(child, None).unwrap() {
            WaitStatus::Exited(_, code) => code,
            WaitStatus::Signaled(_, signal, _) => -(signal as i32),
            other => panic!("{other:?}"),
        },
    }
}

/// The copy returns a value; the task has none.
#[process]
fn fork_and_exit() -> u32 {
    // SAFETY: a task has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => 666,
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap();
            std::process::exit(3)
        }
    }
}

/// The copy panics; the task has not.
#[process]
fn fork_a_panic_and_exit() -> u32 {
    // SAFETY: a task has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => panic!("a copy's"),
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap();
            std::process::exit(4)
        }
    }
}

/// Open sockets at the end of a chain of children.
#[process]
fn sockets(depth: u32) -> usize {
    if depth > 0 {
        return sockets::spawn(depth - 1).unwrap().join().unwrap();
    }
    let entries = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let leads_to = |entry: fs::DirEntry| fs::read_link(entry.path()).ok();
    let targets = entries.filter_map(leads_to);
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

under_each_method! {
    fn a_copy_does_not_speak_for_its_task() {
        for (how, code) in [("return", 0), ("panic", 101), ("exit", 9), ("spawn", 0), ("abort", -6)] {
            assert_eq!(fork_and_report::spawn(how).unwrap().join().unwrap(), code, "{how}");
        }
        assert!(matches!(fork_and_exit::spawn().unwrap().join(), Err(JoinError::Exited(3))));
        assert!(matches!(fork_a_panic_and_exit::spawn().unwrap().join(), Err(JoinError::Exited(4))));
    }

    fn sockets_do_not_pile_up_from_parent_to_child() {
        let at = |depth| sockets::spawn(depth).unwrap().join().unwrap();
        assert_eq!(at(1), at(5));
    }
}
