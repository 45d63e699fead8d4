//! A supervised daemon is started again until its budget is spent, or somebody wants it dead.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use offspring::{JoinError, Shared, daemon, process};

use crate::support::{sleep, state, until};

#[daemon(restart = "on-failure", max_restarts = 3, within = "1h", backoff = "1ms..4ms")]
fn fail(runs: &Shared<AtomicU32>) {
    panic!("run {}", runs.fetch_add(1, SeqCst));
}

#[daemon(restart = "on-failure", max_restarts = 5, within = "1h", backoff = "1ms..2ms")]
fn recover(runs: &Shared<AtomicU32>) -> u32 {
    match runs.fetch_add(1, SeqCst) {
        0 => std::process::abort(),
        1 => std::process::exit(0),
        before => before,
    }
}

#[daemon(restart = "always", max_restarts = 2, within = "1h", backoff = "1ms..2ms")]
fn finish(runs: &Shared<AtomicU32>) {
    runs.fetch_add(1, SeqCst);
}

#[daemon(restart = "never")]
fn once(runs: &Shared<AtomicU32>) {
    runs.fetch_add(1, SeqCst);
    panic!("and no more");
}

#[daemon(restart = "always", max_restarts = 1000, within = "1h", backoff = "1ms..1ms")]
fn serve(runs: &Shared<AtomicU32>, pid: &Shared<AtomicU32>) {
    pid.store(std::process::id(), SeqCst);
    runs.fetch_add(1, SeqCst);
    sleep();
}

#[daemon(restart = "always", max_restarts = 1000, within = "1h", backoff = "1h..2h")]
fn patient(runs: &Shared<AtomicU32>) {
    runs.fetch_add(1, SeqCst);
}

fn counter() -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(0)).unwrap()
}

fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL).unwrap();
}

under_each_method! {
    fn a_spent_budget_is_reported() {
        let runs = counter();
        let process = fail::spawn(&runs).unwrap();
        assert!(process.is_daemon());
        match process.join() {
            Err(JoinError::GaveUp { restarts: 3, last }) => {
                assert!(matches!(*last, JoinError::Panicked(panic) if panic.message == "run 3"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(runs.load(SeqCst), 4);
    }

    fn failures_are_followed_by_a_result() {
        let runs = counter();
        assert_eq!(recover::spawn(&runs).unwrap().join().unwrap(), 2);
        assert_eq!(runs.load(SeqCst), 3);
    }

    fn one_that_must_always_run() {
        let runs = counter();
        let process = finish::spawn(&runs).unwrap();
        process.wait().unwrap();
        assert_eq!(runs.load(SeqCst), 3);
        assert!(!process.is_alive());
    }

    fn never_means_never() {
        let runs = counter();
        assert!(matches!(once::spawn(&runs).unwrap().join(), Err(JoinError::Panicked(_))));
        assert_eq!(runs.load(SeqCst), 1);
    }

    fn a_killed_one_comes_back_under_its_name() {
        let (runs, pid) = (counter(), counter());
        let process = serve::spawn(&runs, &pid).unwrap();
        for run in 1..4 {
            until(|| runs.load(SeqCst) == run);
            until(|| process.pid() == pid.load(SeqCst));
            assert!(process.is_alive());
            assert_eq!(process.name(), "serve-1");
            kill(pid.load(SeqCst));
        }
        until(|| runs.load(SeqCst) == 4);
        process.terminate().unwrap();
        process.wait().unwrap();
    }

    /// Who ends it does not want it back.
    fn ending_it_ends_its_supervision() {
        for how in 0..2 {
            let (runs, pid) = (counter(), counter());
            let process = serve::spawn(&runs, &pid).unwrap();
            until(|| runs.load(SeqCst) == 1);
            if how == 0 { process.terminate() } else { process.kill() }.unwrap();
            assert!(matches!(process.join(), Err(JoinError::Signaled(_))));
            assert_eq!(runs.load(SeqCst), 1);
            until(|| state(pid.load(SeqCst)).is_none());
        }
    }

    fn one_that_rests_before_its_restart_can_be_ended() {
        let runs = counter();
        let process = patient::spawn(&runs).unwrap();
        let first = process.pid();
        until(|| state(first).is_none());
        assert!(process.is_alive());
        assert_eq!(process.wait_timeout(Duration::from_millis(2)).unwrap(), None);
        process.terminate().unwrap();
        process.wait().unwrap();
        assert_eq!(runs.load(SeqCst), 1);
    }

    /// Supervision needs no handle.
    fn a_dropped_handle_goes_on_being_supervised() {
        let (runs, pid) = (counter(), counter());
        drop(serve::spawn(&runs, &pid).unwrap());
        until(|| runs.load(SeqCst) == 1);
        kill(pid.load(SeqCst));
        until(|| runs.load(SeqCst) == 2);
        assert!(process::active_children().len() <= 1);
    }
}
