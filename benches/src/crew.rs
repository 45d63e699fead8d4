//! Processes or threads that start together, and are timed until the last of them is done.
//!
//! # Safety
//! Forks in an agent, which has one thread; the child runs its part and ends by `_exit`.
#![allow(unsafe_code, reason = "forks workers")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};

use crate::Fallible;

/// What a worker says when it has done its part, or is ready for the first.
const DONE: u8 = 1;
/// What it says when it has panicked.
const FAILED: u8 = 0;
/// So long may a part take, in milliseconds: far more than any does.
const PATIENCE: u16 = 60_000;
/// So long may a worker take to end, once there are no more orders.
const GRACE: Duration = Duration::from_secs(2);

/// What several do at once.
pub trait Subject: Sync {
    /// What to tell everybody for so many rounds of all together; the rounds, if nothing else.
    fn order(&self, rounds: u64) -> u64 {
        rounds
    }

    /// The part of the one with this number, of so many.
    fn run(&self, me: usize, of: usize, order: u64);
}

/// Of what the crew consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// Forked processes.
    Processes,
    /// Threads of this one.
    Threads,
}

/// Workers that wait for orders. They end when it is dropped, or its process.
#[derive(Debug)]
pub struct Crew {
    orders: Vec<File>,
    done: File,
    children: Vec<Pid>,
}

impl Crew {
    /// So many workers on the same subject.
    ///
    /// # Errors
    /// When the system refuses pipes, processes or threads.
    pub fn new<S: Subject>(subject: &'static S, of: usize, hands: Hands) -> Fallible<Self> {
        Self::with(of, hands, move |me| move |order| subject.run(me, of, order))
    }

    /// So many workers; `begin` is called in each with its number, and gives what that one does with an order. All
    /// have begun when this returns.
    ///
    /// # Errors
    /// When the system refuses pipes, processes or threads, or a worker cannot begin.
    pub fn with<W: FnMut(u64)>(
        of: usize,
        hands: Hands,
        begin: impl Fn(usize) -> W + Clone + Send + 'static,
    ) -> Fallible<Self> {
        let (done, finished) = pipe()?;
        let mut crew = Self { orders: Vec::new(), done: done.into(), children: Vec::new() };
        for me in 0..of {
            let (orders, order) = pipe()?;
            let finished = finished.try_clone()?;
            let begin = begin.clone();
            let work = move || work(|| begin(me), orders.into(), finished.into());
            match hands {
                Hands::Threads => drop(thread::Builder::new().spawn(work)?),
                // SAFETY: an agent has one thread.
                Hands::Processes => match unsafe { fork() }? {
                    ForkResult::Parent { child } => {
                        // The parent's ends of the worker's pipes go with it.
                        drop(work);
                        crew.children.push(child);
                    }
                    ForkResult::Child => {
                        drop(order);
                        crew.children.clear();
                        drop(crew);
                        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
                        work();
                        // SAFETY: ends the process; nothing of the parent's is run.
                        unsafe { libc::_exit(0) }
                    }
                },
            }
            crew.orders.push(order.into());
        }
        drop(finished);
        crew.hear_of_all()?;
        Ok(crew)
    }

    /// How long everybody's part of so many rounds takes.
    ///
    /// # Errors
    /// When a worker has died.
    pub fn time<S: Subject>(&mut self, subject: &S, rounds: u64) -> Fallible<Duration> {
        self.order(subject.order(rounds))
    }

    /// How long everybody's part of this order takes.
    ///
    /// # Errors
    /// When a worker has died.
    pub fn order(&mut self, order: u64) -> Fallible<Duration> {
        let start = Instant::now();
        for orders in &mut self.orders {
            orders.write_all(&order.to_ne_bytes())?;
        }
        self.hear_of_all()?;
        Ok(start.elapsed())
    }

    fn hear_of_all(&mut self) -> Fallible<()> {
        for _ in &self.orders {
            let mut ready = [PollFd::new(self.done.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ready, PollTimeout::from(PATIENCE))? == 0 {
                return Err("a worker has died, or does not come to an end".into());
            }
            let mut answer = [FAILED];
            (&self.done).read_exact(&mut answer)?;
            if answer != [DONE] {
                return Err("a worker has failed".into());
            }
        }
        Ok(())
    }
}

impl Drop for Crew {
    /// Without orders, workers end; one that cannot, because it waits for one that has died, is killed.
    fn drop(&mut self) {
        self.orders.clear();
        let limit = Instant::now() + GRACE;
        for child in &self.children {
            while waitpid(*child, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) {
                if Instant::now() > limit {
                    let _ = kill(*child, Signal::SIGKILL);
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn work<W: FnMut(u64)>(begin: impl FnOnce() -> W, mut orders: File, mut finished: File) {
    let mut say = |what| finished.write_all(&[what]).is_ok();
    let Ok(mut part) = catch_unwind(AssertUnwindSafe(begin)) else {
        say(FAILED);
        return;
    };
    let mut order = [0; 8];
    let mut goes_on = say(DONE);
    while goes_on && orders.read_exact(&mut order).is_ok() {
        let order = u64::from_ne_bytes(order);
        let done = catch_unwind(AssertUnwindSafe(|| part(order))).is_ok();
        goes_on = say(if done { DONE } else { FAILED }) && done;
    }
}

/// From now on, this process and those it makes run on the first of its processors only.
///
/// # Errors
/// When the system refuses.
pub fn stay_on_one_processor() -> Fallible<()> {
    let own = Pid::from_raw(0);
    let allowed = sched_getaffinity(own)?;
    let first = (0..CpuSet::count()).find(|at| allowed.is_set(*at).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(first.ok_or("no processor")?)?;
    Ok(sched_setaffinity(own, &one)?)
}
