//! The program forks by itself while the library's helper thread runs: the copy is a process of its own, and the
//! children of the original are none of its business.

#![allow(unsafe_code, reason = "a fork of the program's own")]

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::{Process, Shared, daemon, process};

use crate::Case;
use crate::support::{DEADLINE, children, happens, kill_pid, run, wait_until};

pub(crate) const CASES: &[Case] =
    &[("a_copy_of_the_program_has_a_family_of_its_own", || run("copied", |_| ()))];
pub(crate) const VICTIMS: &[Case] = &[("copied", copied)];

#[process]
fn answer() -> u32 {
    42
}

#[process(retry = 2)]
fn answer_if_need_be_again() -> u32 {
    43
}

#[process]
fn nap(time: Duration) {
    thread::sleep(time);
}

/// Ends when it is killed; or with its parent, so that a test that fails leaves nobody.
#[process]
fn sleep() {
    if let Some(parent) = process::parent() {
        parent.wait_timeout(Duration::MAX).expect("a wait");
    }
}

#[daemon(restart = "always", max_restarts = 1000, within = "1h", backoff = "1ms..2ms")]
fn serve(runs: &Shared<AtomicU32>, pid: &Shared<AtomicU32>) {
    pid.store(std::process::id(), SeqCst);
    runs.fetch_add(1, SeqCst);
    sleep();
}

/// How the copy ends, and what with.
const ENDS: [(&str, i32); 3] = [("exit", 5), ("return", 0), ("panic", 101)];

fn counter() -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(0)).expect("shared memory")
}

/// In both processes, `main` goes on with what this returns to.
fn copied() {
    let (runs, pid) = (counter(), counter());
    let daemon = serve::spawn(&runs, &pid).expect("a process more");
    wait_until("the daemon runs", || runs.load(SeqCst) == 1);
    let kept = sleep::spawn().expect("a process more");
    let detached = sleep::spawn().expect("a process more").pid();
    for (how, code) in ENDS {
        // SAFETY: the helper thread, the only other one, is waiting and holds no lock of the C library.
        match unsafe { fork() }.expect("a process more") {
            ForkResult::Child => {
                live_as_a_copy(&kept, &daemon);
                match how {
                    "exit" => std::process::exit(code),
                    "panic" => panic!("as the test wants it"),
                    _ => return,
                }
            }
            ForkResult::Parent { child } => assert_eq!(end_of(child), Some(code), "{how}"),
        }
        assert_eq!(answer::spawn().expect("a process more").join().expect("a result"), 42);
        assert!(kept.is_alive() && daemon.is_alive());
        assert!(process::active_children().iter().any(|one| one.pid == detached));
        assert_eq!(runs.load(SeqCst), 1, "the daemon was ended");
    }
    // Supervision goes on, too.
    kill_pid(pid.load(SeqCst));
    wait_until("the daemon is back", || runs.load(SeqCst) == 2);
    kill_pid(detached);
    kept.kill().expect("a child of ours");
    assert!(kept.join().is_err());
}

fn live_as_a_copy(kept: &Process<()>, daemon: &Process<()>) {
    assert!(process::active_children().is_empty());
    assert_eq!(kept.wait_timeout(Duration::from_millis(1)).expect("a wait"), None);
    assert!(daemon.is_alive());
    assert_eq!(answer::spawn().expect("a process more").join().expect("a result"), 42);
    let supervised = answer_if_need_be_again::spawn().expect("a process more");
    let ended = supervised.wait_timeout(DEADLINE).expect("a wait");
    assert!(ended.is_some(), "nobody watches what is supervised");
    assert_eq!(supervised.join().expect("a result"), 43);
    let dropped = nap::spawn(Duration::from_millis(1)).expect("a process more").pid();
    wait_until("what was dropped is reaped", || children().iter().all(|one| one.pid != dropped));
    drop(nap::spawn(Duration::from_millis(20)));
}

/// The exit code of the copy; one that hangs is killed.
fn end_of(copy: Pid) -> Option<i32> {
    let mut code = None;
    let ended = happens(|| match waitpid(copy, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, with)) => {
            code = Some(with);
            true
        }
        Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => false,
        _ => true,
    });
    if !ended {
        kill_pid(copy.as_raw() as u32);
        let _ = waitpid(copy, None);
    }
    code
}
