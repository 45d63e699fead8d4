//! Processes or threads that start together, and are timed until the last of them is done.
//!
//! # Safety
//! Forks in an agent, which has one thread; the child runs its part and ends by `_exit`.
#![allow(unsafe_code, reason = "forks workers")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, Pid, fork, pipe};

use crate::Fallible;

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
}

impl Crew {
    /// So many workers on the same subject.
    ///
    /// # Errors
    /// When the system refuses pipes, processes or threads.
    pub fn new<S: Subject>(subject: &'static S, of: usize, hands: Hands) -> Fallible<Self> {
        let (done, finished) = pipe()?;
        let mut crew = Self { orders: Vec::new(), done: done.into() };
        for me in 0..of {
            let (orders, order) = pipe()?;
            let finished = finished.try_clone()?;
            match hands {
                Hands::Threads => {
                    thread::Builder::new()
                        .spawn(move || work(subject, me, of, orders, finished))?;
                }
                // SAFETY: an agent has one thread.
                Hands::Processes => match unsafe { fork() }? {
                    ForkResult::Parent { .. } => {}
                    ForkResult::Child => {
                        drop(order);
                        drop(crew);
                        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
                        work(subject, me, of, orders, finished);
                        // SAFETY: ends the process; nothing of the parent's is run.
                        unsafe { libc::_exit(0) }
                    }
                },
            }
            crew.orders.push(order.into());
        }
        Ok(crew)
    }

    /// How long everybody's part of so many rounds takes.
    ///
    /// # Errors
    /// When a worker has died.
    pub fn time<S: Subject>(&mut self, subject: &S, rounds: u64) -> Fallible<Duration> {
        let order = subject.order(rounds).to_ne_bytes();
        let mut answers = vec![0; self.orders.len()];
        let start = Instant::now();
        for orders in &mut self.orders {
            orders.write_all(&order)?;
        }
        self.done.read_exact(&mut answers)?;
        Ok(start.elapsed())
    }
}

fn work<S: Subject>(subject: &S, me: usize, of: usize, orders: OwnedFd, finished: OwnedFd) {
    let (mut orders, mut finished) = (File::from(orders), File::from(finished));
    let mut order = [0; 8];
    while orders.read_exact(&mut order).is_ok() {
        subject.run(me, of, u64::from_ne_bytes(order));
        if finished.write_all(&[1]).is_err() {
            return;
        }
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
