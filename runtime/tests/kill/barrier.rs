//! Killed while it comes to a barrier, first or last, waits at it, breaks it, or makes it whole again.

use std::time::{Duration, Instant};

use offspring::Shared;
use offspring::sync::{Barrier, Event};

use crate::DEADLINE;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

type Line = Shared<Barrier>;

/// How a sleeper's wait ended.
const PASSED: u8 = 0;
const TOLD: u8 = 1;

fn set_up(parties: usize) -> Line {
    warm();
    Shared::new(Barrier::new(parties)).unwrap()
}

fn sleepers(line: &Line, count: usize) -> Vec<Helper> {
    let wait = || u8::from(line.wait_timeout(DEADLINE).is_err());
    (0..count).map(|_| Helper::asleep(wait)).collect()
}

/// All sleepers come to the same end, and how it was.
fn all_end(sleepers: Vec<Helper>) -> u8 {
    let ends: Vec<_> = sleepers.into_iter().map(Helper::end).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "one passed, another was told: {ends:?}");
    ends[0]
}

/// Whatever has happened, it can be made whole, and parties pass.
fn is_whole_after_a_reset(line: &Line) {
    line.reset();
    let parties = line.parties();
    let pass = || u8::from(line.wait_timeout(DEADLINE).is_err());
    let others: Vec<_> = (0..parties).map(|_| Helper::new(pass)).collect();
    others.into_iter().for_each(|it| assert_eq!(it.end(), PASSED));
}

/// A helper that passes one round, and says how its second one ended. For that, it may wait for a sign.
fn second_round(line: &Line, go: Option<&Shared<Event>>) -> Helper {
    Helper::new(|| {
        line.wait().expect("the first round");
        if let Some(go) = go {
            go.wait();
        }
        u8::from(line.wait_timeout(DEADLINE).is_err())
    })
}

/// Comes last, when two are asleep; all of them have passed a round before.
struct ComingLast(Line, Vec<Helper>);

impl Scene for ComingLast {
    const NAME: &'static str = "barrier: the last to come, two asleep";

    fn set() -> Self {
        let line = set_up(3);
        let others = (0..2).map(|_| second_round(&line, None)).collect();
        Self(line, others)
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || self.0.wait().expect("the first round"),
            |_, steps| {
                self.0.wait().expect("the second round");
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        until(|| self.0.n_waiting() == 2);
        self.1.iter().for_each(Helper::wait_asleep);
    }
    fn aftermath(self, death: &Death) -> Duration {
        let end = all_end(self.1);
        let age = death.age();
        assert!(end == PASSED || death.step == 0, "told of a death after the round was full");
        is_whole_after_a_reset(&self.0);
        age
    }
}

/// Comes when one is asleep, and sleeps until the third one comes; all of them have passed a round before.
struct ComingBetween {
    line: Line,
    go: Shared<Event>,
    others: Vec<Helper>,
}

impl Scene for ComingBetween {
    const NAME: &'static str = "barrier: wait, asleep between two others";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| scene.go.set());

    fn set() -> Self {
        let (line, go) = (set_up(3), Shared::new(Event::new()).unwrap());
        let others = vec![second_round(&line, None), second_round(&line, Some(&go))];
        Self { line, go, others }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.line)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || self.line.wait().expect("the first round"),
            |_, steps| {
                self.line.wait().expect("the second round");
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        until(|| self.line.n_waiting() == 1);
        self.others.iter().for_each(Helper::wait_asleep);
    }
    fn aftermath(self, death: &Death) -> Duration {
        let mut others = self.others;
        let third = others.pop().expect("two");
        // The one who is asleep is told without the third one's help, unless that one has come already.
        let end = if self.go.is_set() { None } else { Some(all_end(others.split_off(0))) };
        let age = death.age();
        self.go.set();
        others.push(third);
        let last = all_end(others);
        assert!(end.is_none_or(|end| end == TOLD && last == TOLD));
        assert!(last == PASSED || death.step == 0, "told of a death after the round was full");
        is_whole_after_a_reset(&self.line);
        if end.is_some() { age } else { death.age() }
    }
}

/// Comes for the first time, when another one is asleep.
struct ComingNew(Line, Vec<Helper>);

impl Scene for ComingNew {
    const NAME: &'static str = "barrier: a new party, another asleep";

    fn set() -> Self {
        Self(set_up(2), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.wait().expect("the only round");
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = sleepers(&self.0, 1);
    }
    fn aftermath(self, death: &Death) -> Duration {
        // Killed before it was a party: then this one takes its place. Else it is told.
        let late = Helper::new(|| u8::from(self.0.wait_timeout(DEADLINE).is_err()));
        let end = all_end(self.1);
        let age = death.age();
        let late = late.end();
        assert!(end == PASSED || (death.step == 0 && late == TOLD));
        is_whole_after_a_reset(&self.0);
        age
    }
}

/// Breaks it for two who sleep.
struct Aborting(Line, Vec<Helper>);

impl Scene for Aborting {
    const NAME: &'static str = "barrier: abort with two asleep";

    fn set() -> Self {
        Self(set_up(3), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.abort();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = sleepers(&self.0, 2);
    }
    fn aftermath(self, death: &Death) -> Duration {
        if !self.0.is_broken() {
            assert_eq!(death.step, 0);
            self.0.abort();
        }
        assert_eq!(all_end(self.1), TOLD);
        let age = death.age();
        is_whole_after_a_reset(&self.0);
        age
    }
}

/// Makes it whole: one that two sleep at, or one that has lost a party.
struct Resetting<const LOST: bool>(Line, Vec<Helper>);

impl<const LOST: bool> Scene for Resetting<LOST> {
    const NAME: &'static str =
        if LOST { "barrier: reset after a death" } else { "barrier: reset with two asleep" };

    fn set() -> Self {
        let line = set_up(3);
        if LOST {
            let doomed = Helper::asleep(|| u8::from(line.wait().is_err()));
            doomed.kill();
        }
        Self(line, Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.reset();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        if !LOST {
            self.1 = sleepers(&self.0, 2);
        }
    }
    fn aftermath(self, death: &Death) -> Duration {
        // Those who slept are told by this reset or by the other. Told, they end, which is a death to the next.
        if !LOST && self.0.n_waiting() > 0 {
            assert_eq!(death.step, 0);
            self.0.reset();
        }
        assert!(LOST || all_end(self.1) == TOLD);
        let age = death.age();
        is_whole_after_a_reset(&self.0);
        age
    }
}

fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < DEADLINE, "it never happens");
        std::thread::yield_now();
    }
}

pub(crate) const SCENES: &[Entry] = &[
    scene::<ComingLast>(),
    scene::<ComingBetween>(),
    scene::<ComingNew>(),
    scene::<Aborting>(),
    scene::<Resetting<false>>(),
    scene::<Resetting<true>>(),
];
