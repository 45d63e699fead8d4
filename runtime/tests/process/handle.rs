//! The handle on a process: waiting, looking, signalling, several at once.

use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use offspring::{JoinError, Process, Signal, join, process};

use crate::support::{echo, sleep};

#[process]
fn leave(code: i32) {
    std::process::exit(code);
}

#[process]
fn fail() {
    panic!("on purpose");
}

fn pollable<R>(process: &Process<R>, timeout: PollTimeout) -> bool {
    poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout).unwrap() == 1
}

/// The end of a process that got this signal.
#[track_caller]
fn ends_by(process: Process<()>, signal: Signal) {
    assert_eq!(process.wait().unwrap().signal(), Some(signal));
    assert!(
        matches!(process.join(), Err(JoinError::Signaled(by)) if by.number() == signal.number())
    );
}

under_each_method! {
    fn a_running_process() {
        let process = sleep::task().name("sleeper").spawn().unwrap();
        assert!(process.is_alive() && !process.is_daemon());
        assert_eq!((process.name(), process.exit_status()), ("sleeper", None));
        assert_eq!(process.wait_timeout(Duration::ZERO).unwrap(), None);
        assert_eq!(process.wait_timeout(Duration::from_millis(2)).unwrap(), None);
        assert!(!pollable(&process, PollTimeout::ZERO));
        let shown = format!("{process:?}");
        for part in ["sleeper", &process.pid().to_string(), "running"] {
            assert!(shown.contains(part), "{shown}");
        }
        process.kill().unwrap();
        ends_by(process, Signal::SIGKILL);
    }

    fn an_ended_process() {
        let process = leave::spawn(3).unwrap();
        let status = process.wait_timeout(Duration::MAX).unwrap().unwrap();
        assert_eq!((status.code(), status.signal(), status.success()), (Some(3), None, false));
        for _ in 0..2 {
            assert_eq!(process.exit_status(), Some(status));
            assert_eq!(process.wait().unwrap(), status);
            assert_eq!(process.wait_timeout(Duration::ZERO).unwrap(), Some(status));
            assert!(pollable(&process, PollTimeout::ZERO) && !process.is_alive());
        }
        let shown = format!("{process:?}");
        assert!(shown.contains("ended") && shown.contains("exit code 3"), "{shown}");
        assert!(matches!(process.join(), Err(JoinError::Exited(3))));
    }

    fn a_result_survives_any_number_of_waits() {
        let process = echo::spawn(12).unwrap();
        assert!(process.wait().unwrap().success());
        assert!(process.wait().unwrap().success());
        assert_eq!(process.join().unwrap(), 12);
    }

    /// Python's sentinel.
    fn its_descriptor_becomes_readable() {
        let process = echo::spawn(1).unwrap();
        assert!(pollable(&process, PollTimeout::NONE));
        assert!(process.exit_status().is_some());
    }

    fn signals_reach_a_running_process() {
        let start = || sleep::spawn().unwrap();
        let process = start();
        process.terminate().unwrap();
        ends_by(process, Signal::SIGTERM);
        let process = start();
        process.interrupt().unwrap();
        ends_by(process, Signal::SIGINT);
        let process = start();
        process.signal(Signal::SIGUSR1).unwrap();
        ends_by(process, Signal::SIGUSR1);
        let process = start();
        process.signal(Signal::SIGSTOP).unwrap();
        process.kill().unwrap();
        ends_by(process, Signal::SIGKILL);
    }

    fn signals_leave_a_dead_process_in_peace() {
        let process = leave::spawn(0).unwrap();
        for _ in 0..2 {
            process.terminate().unwrap();
            process.kill().unwrap();
            process.interrupt().unwrap();
            process.signal(Signal::SIGUSR2).unwrap();
            process.wait().unwrap();
        }
    }

    fn a_signal_that_does_not_exist_is_an_error() {
        let process = sleep::spawn().unwrap();
        assert!(process.signal(Signal::from(12345)).is_err());
        assert!(process.is_alive());
        process.kill().unwrap();
    }

    fn wait_any_gives_positions_in_order() {
        let (a, b, c) = (sleep::spawn().unwrap(), echo::spawn(1).unwrap(), sleep::spawn().unwrap());
        assert_eq!(process::wait_any(&[&a, &b, &c], None).unwrap(), [1]);
        assert_eq!(process::wait_any(&[&b, &a], Some(Duration::MAX)).unwrap(), [0]);
        let soon = Some(Duration::from_millis(2));
        assert!(process::wait_any(&[&a, &c], soon).unwrap().is_empty());
        assert!(process::wait_any(&[&a, &c], Some(Duration::ZERO)).unwrap().is_empty());
        a.kill().unwrap();
        c.kill().unwrap();
        a.wait().unwrap();
        c.wait().unwrap();
        assert_eq!(process::wait_any(&[&c, &b, &a], None).unwrap(), [0, 1, 2]);
        assert!(process::wait_any(&[], Some(Duration::ZERO)).unwrap().is_empty());
    }

    fn join_gives_a_result_for_each() {
        let (number, failed, left, again) =
            join!(echo::task(1), fail::task(), leave::task(4), echo::task(2));
        assert_eq!((number.unwrap(), again.unwrap()), (1, 2));
        assert!(matches!(failed, Err(JoinError::Panicked(panic)) if panic.message == "on purpose"));
        assert!(matches!(left, Err(JoinError::Exited(4))));
        let (started, not) = join!(echo::task(7), echo::task(8).current_dir("/no/such/place"));
        assert_eq!(started.unwrap(), 7);
        assert!(matches!(not, Err(JoinError::NotStarted(_))));
    }

    fn many_processes() {
        let children: Vec<_> = (0..40).map(|n| echo::spawn(n).unwrap()).collect();
        for (n, child) in (0..).zip(children) {
            assert_eq!(child.join().unwrap(), n);
        }
        let children: Vec<_> = (0..40).map(|_| sleep::spawn().unwrap()).collect();
        // Some will not even have begun.
        children.iter().for_each(|child| child.terminate().unwrap());
        for child in children {
            assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM));
        }
    }
}
