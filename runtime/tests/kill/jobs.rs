//! Scenes of `JoinableQueue`: killed while it takes a job, finishes it, gives it back, inherits it, or gives it up. Every job is done by
//! somebody in the end, unless the victim had finished it; and who waits for all of them goes on then.

use std::collections::BTreeSet;
use std::time::Duration;

use offspring::{JoinableQueue, TryGetError};

use crate::DEADLINE;
use crate::helper::Helper;
use crate::queue::pieces;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Doing>(),
    scene::<Finishing>(),
    scene::<GivingBack>(),
    scene::<Inheriting>(),
    scene::<GivingUp>(),
];

/// So much of the beginning of each piece of the queue's memory is watched.
const BEGINNING: usize = 1024;

/// A fresh queue of jobs with the first few numbers in it, and where its memory is.
struct Place {
    jobs: JoinableQueue<u64>,
    memory: Memory,
}

impl Place {
    fn with(count: u64, attempts: u32) -> Self {
        warm();
        let before: BTreeSet<u64> = pieces().into_iter().map(|piece| piece.inode).collect();
        let jobs = JoinableQueue::new().expect("memory").with_attempts(attempts);
        jobs.put_many(1..=count).expect("there is room");
        let new = pieces().into_iter().filter(|piece| !before.contains(&piece.inode));
        let memory = Memory::at(new.map(|piece| (piece.start, piece.len.min(BEGINNING))));
        Self { jobs, memory }
    }

    /// Somebody who sleeps until all jobs are done.
    fn joiner(&self) -> Helper {
        Helper::asleep(|| u8::from(!self.jobs.join_timeout(DEADLINE).expect("somebody is left")))
    }

    /// Does all that is there: their numbers.
    fn drain(&self) -> Vec<u64> {
        let mut done = Vec::new();
        loop {
            match self.jobs.try_get() {
                Ok(job) => done.push(job.done()),
                Err(TryGetError::Empty) => return done,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// All is done by now, and it works on, also for somebody who sleeps there first.
    fn works_on(&self) {
        assert!(self.jobs.join_timeout(Duration::ZERO).expect("nothing is left to be done"));
        let getter =
            Helper::asleep(|| self.jobs.get_timeout(DEADLINE).map_or(0, |job| job.done() as u8));
        self.jobs.put(77).expect("there is room");
        assert_eq!(getter.end(), 77);
        self.jobs.join().expect("all is done");
    }
}

/// The jobs from `first` to `last` were there, once each and in order; and so was the one before if `maybe`, or was not.
#[track_caller]
fn assert_left(left: &[u64], first: u64, last: u64, maybe: bool) {
    let surely: Vec<u64> = (first..=last).collect();
    let perhaps: Vec<u64> = (first - u64::from(maybe)..=last).collect();
    assert!(left == surely || left == perhaps, "{left:?}, not {surely:?} or {perhaps:?}");
}

/// Takes a job and finishes it, while somebody sleeps who waits for all.
struct Doing(Place, Option<Helper>);

impl Scene for Doing {
    const NAME: &'static str = "jobs: get and done, a joiner asleep";

    fn set() -> Self {
        Self(Place::with(3, 3), None)
    }
    fn memory(&self) -> Memory {
        self.0.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let job = self.0.jobs.get().unwrap();
                steps.done(1);
                job.done();
                steps.done(2);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = Some(self.0.joiner());
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.0.drain();
        let took = death.age();
        match if death.over { 2 } else { death.step } {
            // Nothing was said to be done.
            0 => assert_left(&left, 1, 3, false),
            1 => assert_left(&left, 2, 3, true),
            _ => assert_left(&left, 2, 3, false),
        }
        assert_eq!(self.1.map(Helper::end), Some(0));
        self.0.works_on();
        took
    }
}

/// Finishes the last job, for which somebody waits asleep.
struct Finishing(Place, Option<Helper>);

impl Scene for Finishing {
    const NAME: &'static str = "jobs: done with the last one, a joiner asleep";

    fn set() -> Self {
        Self(Place::with(1, 3), None)
    }
    fn memory(&self) -> Memory {
        self.0.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || self.0.jobs.get().unwrap(),
            |job, steps| {
                job.done();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = Some(self.0.joiner());
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.0.drain();
        let finished = death.over || death.step == 1;
        assert_left(&left, 2, 1, !finished);
        assert_eq!(self.1.map(Helper::end), Some(0));
        let took = death.age();
        self.0.works_on();
        took
    }
}

/// Gives a job back, for which somebody waits asleep.
struct GivingBack(Place, Option<Helper>);

impl Scene for GivingBack {
    const NAME: &'static str = "jobs: drop one, a getter asleep";

    fn set() -> Self {
        Self(Place::with(1, 9), None)
    }
    fn memory(&self) -> Memory {
        self.0.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.0.jobs.get().unwrap(), |job, _| drop(job))
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        let get = || self.0.jobs.get_timeout(DEADLINE).map_or(0, |job| job.done() as u8);
        self.1 = Some(Helper::asleep(get));
    }
    fn aftermath(self, death: &Death) -> Duration {
        assert_eq!(self.1.map(Helper::end), Some(1), "it comes back in any case");
        let took = death.age();
        assert!(self.0.drain().is_empty());
        self.0.works_on();
        took
    }
}

/// Takes the job of a dead one, and finishes it.
struct Inheriting(Place);

impl Scene for Inheriting {
    const NAME: &'static str = "jobs: get and done after a death";

    fn set() -> Self {
        let place = Place::with(2, 9);
        Helper::with(|| place.jobs.get().map(std::mem::forget)).kill();
        Self(place)
    }
    fn memory(&self) -> Memory {
        self.0.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let job = self.0.jobs.get().unwrap();
                assert!(*job == 1 && job.attempt() > 1);
                steps.done(1);
                job.done();
                steps.done(2);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.0.drain();
        let took = death.age();
        match if death.over { 2 } else { death.step } {
            0 => assert_left(&left, 1, 2, false),
            1 => assert_left(&left, 2, 2, true),
            _ => assert_left(&left, 2, 2, false),
        }
        self.0.works_on();
        took
    }
}

/// Finds a job that was given out too often, and takes the next one.
struct GivingUp(Place);

impl Scene for GivingUp {
    const NAME: &'static str = "jobs: give one up and get the next";

    fn set() -> Self {
        let place = Place::with(2, 1);
        Helper::with(|| place.jobs.get().map(std::mem::forget)).kill();
        Self(place)
    }
    fn memory(&self) -> Memory {
        self.0.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                assert_eq!(self.0.jobs.get().unwrap().done(), 2);
                steps.done(1);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.0.drain();
        let took = death.age();
        let mut letters = self.0.jobs.dead_letters().expect("memory");
        // The victim may have died with the second one in its hands: once, which is too often here.
        letters.sort_unstable();
        let finished = death.over || death.step == 1;
        let all: Vec<u64> = letters.iter().chain(&left).copied().collect();
        assert!(
            all == [1, 2] || (all == [1] && (finished || left.is_empty())),
            "{letters:?} {left:?}"
        );
        self.0.works_on();
        took
    }
}
