//! The survivors: live processes beside the victim, who must go on when it is dead.

use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::DEADLINE;
use crate::victim::{child, is_asleep, is_over};

/// A live process that does something of its own. It ends with this program, and after [`DEADLINE`] at the latest.
#[derive(Debug)]
pub(crate) struct Helper(Pid);

impl Helper {
    /// Does this, and ends with the code returned (below 101).
    pub(crate) fn new(body: impl FnOnce() -> u8) -> Self {
        Self(child(body))
    }

    /// The same; returns when it sleeps in the kernel.
    pub(crate) fn asleep(body: impl FnOnce() -> u8) -> Self {
        let helper = Self::new(body);
        helper.wait_asleep();
        helper
    }

    /// Takes hold of something, and sleeps with it until it is killed; returns when it does so.
    pub(crate) fn with<T>(hold: impl FnOnce() -> T) -> Self {
        Self::asleep(|| {
            let _held = hold();
            loop {
                nix::unistd::pause();
            }
        })
    }

    /// Waits until it sleeps in the kernel.
    pub(crate) fn wait_asleep(&self) {
        let start = Instant::now();
        while !is_asleep(self.0) {
            assert!(start.elapsed() < DEADLINE, "the helper never sleeps");
            std::thread::yield_now();
        }
    }

    /// Waits until it is at its end, or sleeps in the kernel.
    pub(crate) fn settle(&self) {
        let start = Instant::now();
        while !(is_asleep(self.0) || is_over(self.0)) {
            assert!(start.elapsed() < DEADLINE, "the helper neither ends nor sleeps");
            std::thread::yield_now();
        }
    }

    /// Whether it sleeps in the kernel at this moment.
    pub(crate) fn is_asleep(&self) -> bool {
        is_asleep(self.0)
    }

    /// Its process, and its only thread.
    pub(crate) fn id(&self) -> u32 {
        self.0.as_raw().unsigned_abs()
    }

    /// Waits for its end; the code with which it ended.
    pub(crate) fn end(self) -> u8 {
        match waitpid(self.0, None).expect("a child of ours") {
            WaitStatus::Exited(_, code @ 0..101) => code.try_into().expect("below 101"),
            other => panic!("a survivor failed, or never came to its end: {other:?}"),
        }
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(self) {
        kill(self.0, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(self.0, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
    }
}
