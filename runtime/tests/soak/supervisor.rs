//! The one who starts workers, kills them, replaces them, and looks whether any of them is stuck.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::Shared;

use crate::ledger::{Ledger, Stock};
use crate::operations::{OPERATIONS, Worker};
use crate::random::Random;
use crate::world::{ONCES, PERMITS, WORKERS, World};

/// The longest that an operation may take: far above all that goes right, on any machine.
const BOUND: Duration = Duration::from_secs(15);

/// Runs `body` in a child, which ends with code 0, or 101 if it panics, and dies with this program.
pub(crate) fn child(body: impl FnOnce()) -> Pid {
    // SAFETY: this program has one thread.
    match unsafe { fork() }.expect("a process more") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).expect("a valid signal");
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process without running what the parent left to run at exit.
            unsafe { nix::libc::_exit(if ended.is_ok() { 0 } else { 101 }) }
        }
    }
}

struct Supervisor<'a> {
    world: &'a World,
    start: Instant,
    random: Random,
    workers: [Pid; WORKERS],
    deaths: [u64; WORKERS],
    signals: u64,
    longest: Duration,
}

impl<'a> Supervisor<'a> {
    fn new(world: &'a World, seed: u64) -> Self {
        let (start, mut random) = (Instant::now(), Random::new(seed));
        let workers = std::array::from_fn(|number| begin(world, number, start, random.next()));
        let (deaths, signals, longest) = ([0; WORKERS], 0, Duration::ZERO);
        Self { world, start, random, workers, deaths, signals, longest }
    }

    /// One kill or signal, and a look at everybody.
    fn tick(&mut self) {
        std::thread::sleep(Duration::from_micros(self.random.next() % 4000));
        let number = self.random.below(WORKERS);
        match self.random.below(4) {
            0 => {
                kill(self.workers[number], Signal::SIGUSR1).expect("a child of ours");
                self.signals += 1;
            }
            1 => self.world.event.set(),
            _ => self.replace(number),
        }
        self.look_after_all();
    }

    fn replace(&mut self, number: usize) {
        let (record, pid) = (&self.world.records[number], self.workers[number]);
        record.condemn();
        kill(pid, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(pid, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
        record.clean();
        record.doing.store(0, SeqCst);
        self.deaths[number] += 1;
        self.workers[number] = begin(self.world, number, self.start, self.random.next());
    }

    fn look_after_all(&mut self) {
        for (number, pid) in self.workers.into_iter().enumerate() {
            let status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours");
            assert_eq!(status, WaitStatus::StillAlive, "worker {number} has ended by itself");
            self.look_after(number);
        }
    }

    fn look_after(&mut self, number: usize) {
        let record = &self.world.records[number];
        let since = Duration::from_micros(record.since.load(SeqCst));
        let doing = record.doing.load(SeqCst) as usize;
        let took = self.start.elapsed().saturating_sub(since);
        // The same operation still.
        if doing == 0 || record.since.load(SeqCst) != since.as_micros() as u64 {
            return;
        }
        self.longest = self.longest.max(took);
        let name = OPERATIONS[doing - 1].0;
        assert!(took < BOUND, "worker {number} is stuck in {name}: {:#?}", self.world);
    }

    /// Lets everybody come to an end by themselves.
    fn finish(&mut self) {
        self.world.stop.store(1, SeqCst);
        let mut left: Vec<usize> = (0..WORKERS).collect();
        while !left.is_empty() {
            // For those who wait for it.
            self.world.event.set();
            self.world.signals.release();
            self.world.changed.notify_all();
            self.world.barrier.abort();
            left.retain(|&number| {
                let pid = self.workers[number];
                match waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours") {
                    WaitStatus::StillAlive => true,
                    status => {
                        assert_eq!(status, WaitStatus::Exited(pid, 0));
                        false
                    }
                }
            });
            left.iter().for_each(|number| self.look_after(*number));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The books balance.
    fn check(&self) {
        let World { records, ledger, book, stock, permits, bounded, onces, done_once, .. } =
            self.world;
        let added = |which: usize| {
            std::array::from_fn(|number: usize| records[number].added[which].load(SeqCst))
        };
        let mended = ledger.lock().or_else(|died| died.recover(Ledger::mend));
        mended.expect("free").check_against(&added(0), &self.deaths);
        let mended = book.write().or_else(|died| died.recover(Ledger::mend));
        mended.expect("free").check_against(&added(1), &self.deaths);
        let stock = stock.lock().or_else(|died| died.recover(Stock::mend)).expect("free");
        stock.put.check_against(&added(2), &self.deaths);
        stock.taken.check_against(&added(3), &self.deaths);
        stock.check();
        drop(stock);
        self.check_barrier();
        assert_eq!(permits.available(), PERMITS);
        assert_eq!(bounded.available(), PERMITS);
        let all: Vec<_> = (0..PERMITS).map(|_| permits.try_acquire().expect("as many")).collect();
        assert!(permits.try_acquire().is_none() && all.len() == PERMITS);
        for which in 0..ONCES {
            assert_eq!(onces[which].is_completed(), done_once[which].load(SeqCst) > 0);
        }
    }

    /// Whoever passes does so with the others, and after all that, it still works.
    fn check_barrier(&self) {
        let World { barrier, passed, .. } = self.world;
        let [first, second] = [&passed[0], &passed[1]].map(|count| count.load(SeqCst));
        let deaths: u64 = self.deaths.iter().sum();
        assert!(first.abs_diff(second) <= deaths, "{first} came first, and {second} second");
        barrier.reset();
        let pass = || (0..100).for_each(|_| _ = barrier.wait().expect("nobody dies any more"));
        for pid in [child(pass), child(pass)] {
            assert_eq!(waitpid(pid, None).expect("a child of ours"), WaitStatus::Exited(pid, 0));
        }
    }
}

/// A new worker with this number.
fn begin(world: &World, number: usize, start: Instant, seed: u64) -> Pid {
    child(|| Worker { world, number, random: Random::new(seed) }.work(start))
}

/// Signals that interrupt whatever a worker waits for.
pub(crate) fn accept_signals() {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a valid signal");
}

pub(crate) fn run(time: Duration) {
    let seed = Random::seed();
    println!("seed {seed}");
    let world = Shared::new(World::new()).expect("memory");
    let mut supervisor = Supervisor::new(&world, seed);
    while supervisor.start.elapsed() < time {
        supervisor.tick();
    }
    supervisor.finish();
    supervisor.check();
    let operations: u64 = world.records.iter().map(|it| it.operations.load(SeqCst)).sum();
    println!(
        "{operations} operations, {} workers killed, {} signals in {time:?}; the longest took {:?}",
        supervisor.deaths.iter().sum::<u64>(),
        supervisor.signals,
        supervisor.longest
    );
    assert_eq!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD), "somebody is left");
}
