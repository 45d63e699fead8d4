//! Killed in the middle of an update, for whose end two others wait asleep: they go on, and find it done or not.

use std::fmt::Debug;
use std::time::Duration;

use offspring::{Dict, List};

use super::{Ground, Kept};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Steps, Victim};

pub(super) const SCENES: &[Entry] = &[scene::<Waiting<Words>>(), scene::<Waiting<Entries>>()];

type Words = List<String>;
type Entries = Dict<u64, [u64; 8]>;

/// What somebody can be in the middle of.
trait Crowded: Kept {
    const NAME: &'static str;
    const BEFORE: &'static [Self::Part];
    /// What is in it when both have come, and the victim has not done, or has done, what it was doing.
    const AFTER: [&'static [Self::Part]; 2];
    /// Changes something, and begins in the middle of that.
    fn hold(&self, steps: &Steps<'_>);
    /// Changes something else, for which the other one must have finished.
    fn come(&self, number: u8);
    /// The same, whoever came first.
    fn sorted(&self) -> Vec<Self::Part>;
}

impl Crowded for Words {
    const NAME: &'static str = "list, encoded: the end of an update, two asleep";
    const BEFORE: &'static [u8] = &[1, 2];
    const AFTER: [&'static [u8]; 2] = [&[1, 2, 10, 11], &[2, 9, 10, 11]];
    fn hold(&self, steps: &Steps<'_>) {
        self.update(0, |item| {
            steps.begin();
            *item = super::Number::of(9);
        })
        .unwrap();
    }
    fn come(&self, number: u8) {
        self.push(super::Number::of(number)).unwrap();
    }
    fn sorted(&self) -> Vec<u8> {
        let mut all = self.contents();
        all.sort_unstable();
        all
    }
}

impl Crowded for Entries {
    const NAME: &'static str = "dict: the end of an update, two asleep";
    const BEFORE: &'static [(u8, u8)] = &[(3, 3)];
    const AFTER: [&'static [(u8, u8)]; 2] = [&[(3, 3 + 21)], &[(3, 6 + 21)]];
    fn hold(&self, steps: &Steps<'_>) {
        self.update(&super::Number::of(3), |value| {
            steps.begin();
            *value = super::Number::of(6);
        })
        .unwrap();
    }
    fn come(&self, number: u8) {
        let add = |value: &mut [u64; 8]| {
            *value = super::Number::of(super::Number::number(value) + number);
        };
        self.update(&super::Number::of(3), add).unwrap();
    }
    fn sorted(&self) -> Vec<(u8, u8)> {
        self.contents()
    }
}

struct Waiting<C> {
    kept: C,
    ground: Ground,
    sleepers: Vec<Helper>,
}

impl<C: Crowded> Scene for Waiting<C>
where
    C::Part: Debug,
{
    const NAME: &'static str = C::NAME;
    const PATIENCE: usize = super::PATIENCE;

    fn set() -> Self {
        let (kept, ground) = Ground::under(|| C::of(C::BEFORE));
        Self { kept, ground, sleepers: Vec::new() }
    }
    fn memory(&self) -> Memory {
        self.ground.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::in_the_middle(|steps| self.kept.hold(steps))
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        let come = |number| {
            self.kept.come(number);
            0
        };
        self.sleepers = [10, 11].map(|number| Helper::asleep(|| come(number))).into();
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.sleepers.into_iter().for_each(|sleeper| assert_eq!(sleeper.end(), 0));
        let took = death.age();
        let found = self.kept.sorted();
        assert!(C::AFTER.contains(&&found[..]), "{found:?}");
        assert!(!death.over || *C::AFTER[1] == found, "{found:?} when it was over");
        self.kept.assert_accounted_for(&found);
        self.kept.works_on();
        self.kept.clear();
        self.kept.assert_accounted_for(&[]);
        took
    }
}
