//! Dicts and lists that three processes use at random, killed at random; and somebody who looks whether all is as it was left.
//!
//! - `own.rs`: what one worker alone changes. It says what is there before an operation, and what will be after it; whoever
//!   succeeds it after a kill finds one of the two, and nothing else.
//! - `common.rs`: what all of them change: accounts whose sum stays the same, within one value and, with a lock and a note of
//!   what is going on, across two; tokens that come and go; entries that say which they are; lists inside of a dict.
//!
//! Everybody also reads everything, and never sees half of a value. At the end nothing is lost or too much but what was in the
//! hands of the dead, every block of memory is accounted for, and without its entries a collection has as many as at first.

mod common;
mod own;

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use offspring::__private::audit::{Usage, usage};
use offspring::{Collection, Shared, shared};

use crate::random::Random;
use crate::supervisor::child;
use common::Common;
use own::{Claims, Own};

const WORKERS: usize = 3;
/// The longest that an operation may take,
const BOUND: Duration = Duration::from_secs(15);
/// provided that it was seen so many times: else it was the machine that stood still.
const LOOKS: u32 = 500;
/// Bytes that may stay reserved where nothing is any more.
const LEFT: u64 = 1 << 20;

/// What a worker tells the others.
#[shared]
#[derive(Debug)]
struct Record {
    /// When the operation began, in microseconds since the start, plus 1; 0: none.
    since: AtomicU64,
    operations: AtomicU64,
    /// After kills: operations that had been done, and that had not.
    done: AtomicU64,
    undone: AtomicU64,
    claims: Claims,
    /// Tokens that it put in and took out for certain, and whether it is about to.
    put: AtomicU64,
    taken: AtomicU64,
    putting: AtomicU64,
    taking: AtomicU64,
}

impl Record {
    const fn new() -> Self {
        Self {
            since: AtomicU64::new(0),
            operations: AtomicU64::new(0),
            done: AtomicU64::new(0),
            undone: AtomicU64::new(0),
            claims: Claims::new(),
            put: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            putting: AtomicU64::new(0),
            taking: AtomicU64::new(0),
        }
    }
}

#[shared]
#[derive(Debug)]
struct World {
    records: [Record; WORKERS],
    stop: AtomicU64,
}

struct Stage {
    world: Shared<World>,
    own: [Own; WORKERS],
    common: Common,
    start: Instant,
}

impl Stage {
    fn new() -> offspring::Result<Self> {
        let records = [const { Record::new() }; WORKERS];
        Ok(Self {
            world: Shared::new(World { records, stop: AtomicU64::new(0) })?,
            own: [Own::new(0)?, Own::new(1)?, Own::new(2)?],
            common: Common::new()?,
            start: Instant::now(),
        })
    }

    /// One operation after the other, in the place of one who was killed perhaps.
    fn work(&self, number: usize, mut random: Random) -> offspring::Result<()> {
        let record = &self.world.records[number];
        let (done, undone) = self.own[number].settle(&record.claims)?;
        record.done.fetch_add(done, SeqCst);
        record.undone.fetch_add(undone, SeqCst);
        while self.world.stop.load(SeqCst) == 0 {
            record.since.store(self.start.elapsed().as_micros() as u64 + 1, SeqCst);
            match random.below(10) {
                0..4 => self.own[number].operate(&record.claims, &mut random)?,
                4..8 => self.common.operate(record, &mut random)?,
                _ => self.look(&mut random)?,
            }
            record.since.store(0, SeqCst);
            record.operations.fetch_add(1, SeqCst);
        }
        Ok(())
    }

    /// Reads what others may be changing.
    fn look(&self, random: &mut Random) -> offspring::Result<()> {
        match random.below(2) {
            0 => self.own[random.below(WORKERS)].look(random),
            _ => self.common.look(random),
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    killed: u64,
    signals: u64,
    longest: Duration,
    /// Tokens that the dead were about to put in and to take out.
    putting: u64,
    taking: u64,
}

struct Keeper {
    stage: Stage,
    random: Random,
    workers: [Pid; WORKERS],
    /// When the operation of each had begun that was seen last, and how often it was seen.
    seen: [(u64, u32); WORKERS],
    tally: Tally,
}

impl Keeper {
    fn new(seed: u64) -> Self {
        let (stage, mut random) = (Stage::new().expect("memory"), Random::new(seed));
        let workers = std::array::from_fn(|number| begin(&stage, number, random.next()));
        Self { stage, random, workers, seen: [(0, 0); WORKERS], tally: Tally::default() }
    }

    fn tick(&mut self) {
        std::thread::sleep(Duration::from_micros(self.random.next() % 4000));
        let number = self.random.below(WORKERS);
        if self.random.below(4) == 0 {
            kill(self.workers[number], Signal::SIGUSR1).expect("a child of ours");
            self.tally.signals += 1;
        } else {
            self.replace(number);
        }
        self.look_after_all();
    }

    fn replace(&mut self, number: usize) {
        let pid = self.workers[number];
        kill(pid, Signal::SIGKILL).expect("a child of ours");
        let status = waitpid(pid, None).expect("a child of ours");
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
        self.tally.killed += 1;
        let record = &self.stage.world.records[number];
        self.tally.putting += record.putting.swap(0, SeqCst);
        self.tally.taking += record.taking.swap(0, SeqCst);
        record.since.store(0, SeqCst);
        self.workers[number] = begin(&self.stage, number, self.random.next());
    }

    fn look_after_all(&mut self) {
        for number in 0..WORKERS {
            let pid = self.workers[number];
            let status = waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("a child of ours");
            assert_eq!(status, WaitStatus::StillAlive, "{number} has ended by itself");
            self.look_after(number);
        }
    }

    fn look_after(&mut self, number: usize) {
        let since = self.stage.world.records[number].since.load(SeqCst);
        let took = self.stage.start.elapsed().saturating_sub(Duration::from_micros(since));
        let (before, looks) = self.seen[number];
        let looks = if since != 0 && since == before { looks + 1 } else { 0 };
        self.seen[number] = (since, looks);
        if looks > 0 {
            let stuck = took > BOUND && looks > LOOKS;
            assert!(!stuck, "{number} is stuck: {:#?}", self.stage.world);
            self.tally.longest = self.tally.longest.max(took);
        }
    }

    /// Lets everybody come to an end by themselves.
    fn finish(&mut self) {
        self.stage.world.stop.store(1, SeqCst);
        let mut left: Vec<usize> = (0..WORKERS).collect();
        while !left.is_empty() {
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

    /// All is as it was left.
    fn check(&self) -> offspring::Result<()> {
        let Stage { world, own, common, .. } = &self.stage;
        for (own, record) in own.iter().zip(&world.records) {
            assert_eq!(own.settle(&record.claims)?, (0, 0), "nobody died in the middle of it");
        }
        let sum = |of: fn(&Record) -> &AtomicU64| -> u64 {
            world.records.iter().map(|record| of(record).load(SeqCst)).sum()
        };
        let (put, taken) = (sum(|it| &it.put), sum(|it| &it.taken));
        let least = put.saturating_sub(taken + self.tally.taking);
        let most = (put + self.tally.putting).checked_sub(taken).expect("no more than there were");
        common.check(least..=most)?;
        own.iter().try_for_each(Own::clear)?;
        common.clear()
    }
}

/// What a collection's memory was like at first.
#[derive(Debug)]
struct Before(Usage);

impl Before {
    fn of(collection: &impl Collection) -> offspring::Result<Self> {
        usage(collection).map(Self)
    }

    /// All of it is there, and no more.
    #[track_caller]
    fn check(&self, collection: &impl Collection) -> offspring::Result<()> {
        let (before, after) = (&self.0, usage(collection)?);
        assert_eq!((after.blocks, after.bytes), (before.blocks, before.bytes), "{before:?}");
        assert_eq!(after.orphans, 0);
        assert!(after.reserved <= before.reserved + LEFT, "{before:?}, then {after:?}");
        Ok(())
    }
}

fn begin(stage: &Stage, number: usize, seed: u64) -> Pid {
    child(|| stage.work(number, Random::new(seed)).expect("no errors"))
}

pub(crate) fn run(time: Duration) {
    let seed = Random::seed();
    println!("collections: seed {seed}");
    let mut keeper = Keeper::new(seed);
    while keeper.stage.start.elapsed() < time {
        keeper.tick();
    }
    keeper.finish();
    keeper.check().expect("no errors");
    let sum = |of: fn(&Record) -> &AtomicU64| -> u64 {
        keeper.stage.world.records.iter().map(|record| of(record).load(SeqCst)).sum()
    };
    let (all, done, undone) = (sum(|it| &it.operations), sum(|it| &it.done), sum(|it| &it.undone));
    let Tally { killed, signals, longest, .. } = &keeper.tally;
    println!(
        "{all} operations on dicts and lists, none half done, nothing torn or lost; {killed} processes killed, of which {} were in the \
         middle of a change of what is theirs: {done} of these had been made, {undone} not; {signals} signals in {time:?}; the longest \
         operation took {longest:?}",
        done + undone
    );
}
