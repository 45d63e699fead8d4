//! Scenes of `Semaphore`: whoever dies where, there are as many permits as before, and those who wait for one get it. Only
//! a signal, or a permit consumed, may have come to pass or not.

use std::time::Duration;

use offspring::Shared;
use offspring::sync::{Permit, Semaphore};

use crate::DEADLINE;
use crate::compound::Succession;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Alone>(),
    scene::<WakingOthers>(),
    scene::<Waiting<true>>(),
    scene::<Waiting<false>>(),
    scene::<InVain>(),
    scene::<Signal>(),
    scene::<Consume>(),
    scene::<Beyond>(),
    (<Beyond as Succession>::NAME, crate::compound::run::<Beyond>),
];

/// More permits than there are slots, so that some are in their holder's account.
const MANY: usize = 67;

fn set_up(permits: usize) -> Shared<Semaphore> {
    warm();
    Shared::new(Semaphore::new(permits)).expect("memory")
}

/// Takes so many, which must be there at once.
fn take(semaphore: &Semaphore, count: usize) -> Vec<Permit<'_>> {
    (0..count).map(|_| semaphore.try_acquire().expect("a permit is missing")).collect()
}

/// There are exactly so many permits, and all of them can be had; how long after the death that was known.
fn all_there(semaphore: &Semaphore, count: usize, death: &Death) -> Duration {
    let all = take(semaphore, count);
    let took = death.age();
    assert!(semaphore.try_acquire().is_none(), "a permit too many");
    drop(all);
    assert_eq!(semaphore.available(), count);
    took
}

/// One who sleeps until it gets a permit, which it gives back.
fn sleeper(semaphore: &Semaphore) -> Helper {
    Helper::asleep(|| u8::from(semaphore.try_acquire_for(DEADLINE).is_none()))
}

fn all_wake(sleepers: Vec<Helper>, death: &Death) -> Duration {
    sleepers.into_iter().for_each(|sleeper| assert_eq!(sleeper.end(), 0));
    death.age()
}

/// Take and give back, with nobody else about.
struct Alone(Shared<Semaphore>);

impl Scene for Alone {
    const NAME: &'static str = "semaphore: acquire, give back";

    fn set() -> Self {
        Self(set_up(1))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(self.0.acquire()))
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_there(&self.0, 1, death)
    }
}

/// Giving back the only permit, for which two others sleep.
struct WakingOthers {
    semaphore: Shared<Semaphore>,
    sleepers: Vec<Helper>,
}

impl Scene for WakingOthers {
    const NAME: &'static str = "semaphore: give back with two asleep";

    fn set() -> Self {
        Self { semaphore: set_up(1), sleepers: Vec::new() }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.semaphore)
    }
    fn start(&self) -> Victim {
        Victim::new(|| self.semaphore.acquire(), |permit, _| drop(permit))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleepers = (0..2).map(|_| sleeper(&self.semaphore)).collect();
    }
    fn aftermath(self, death: &Death) -> Duration {
        let took = all_wake(self.sleepers, death);
        all_there(&self.semaphore, 1, death);
        took
    }
}

/// Waiting for a permit whose holder is then killed: as the first in the queue with another one behind, or the other
/// way round.
struct Waiting<const FIRST: bool> {
    semaphore: Shared<Semaphore>,
    holder: Option<Helper>,
    sleepers: Vec<Helper>,
}

impl<const FIRST: bool> Waiting<FIRST> {
    fn kill_holder(&mut self) {
        if let Some(holder) = self.holder.take() {
            if FIRST {
                self.sleepers.push(sleeper(&self.semaphore));
            }
            holder.kill();
        }
    }
}

impl<const FIRST: bool> Scene for Waiting<FIRST> {
    const NAME: &'static str = match FIRST {
        true => "semaphore: acquire, asleep before another one, its holder killed",
        false => "semaphore: acquire, asleep behind another one, its holder killed",
    };
    const UNBLOCK: Option<fn(&mut Self)> = Some(Self::kill_holder);

    fn set() -> Self {
        let semaphore = set_up(1);
        let holder = Some(Helper::with(|| semaphore.acquire()));
        Self { semaphore, holder, sleepers: Vec::new() }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.semaphore)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| drop(self.semaphore.acquire()))
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        if !FIRST {
            self.sleepers.push(sleeper(&self.semaphore));
        }
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        self.kill_holder();
        let took = all_wake(self.sleepers, death);
        all_there(&self.semaphore, 1, death);
        took
    }
}

/// Trying, and waiting a while, while the permit is not given back.
struct InVain {
    semaphore: Shared<Semaphore>,
    holder: Helper,
}

impl Scene for InVain {
    const NAME: &'static str = "semaphore: try_acquire and try_acquire_for in vain";

    fn set() -> Self {
        let semaphore = set_up(1);
        let holder = Helper::with(|| semaphore.acquire());
        Self { semaphore, holder }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.semaphore)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), _| {
                assert!(self.semaphore.try_acquire().is_none());
                assert!(self.semaphore.try_acquire_for(Duration::from_millis(50)).is_none());
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        // Only now: nobody but the victim has said that somebody sleeps.
        let sleeper = sleeper(&self.semaphore);
        let start = death.age();
        self.holder.kill();
        let took = all_wake(vec![sleeper], death) - start;
        all_there(&self.semaphore, 1, death);
        took
    }
}

/// A signal, for which somebody sleeps.
struct Signal {
    semaphore: Shared<Semaphore>,
    sleeper: Option<Helper>,
}

impl Scene for Signal {
    const NAME: &'static str = "semaphore: release as a signal with one asleep";

    fn set() -> Self {
        Self { semaphore: set_up(0), sleeper: None }
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.semaphore)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.semaphore.release();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.sleeper = Some(sleeper(&self.semaphore));
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let sleeper = self.sleeper.take().expect("asleep");
        // It gives back what it gets: so a signal that was given stays, or is in its hands for a moment. It may also be
        // awake for nothing: the kernel wakes it for a victim that had only announced its signal.
        let given = loop {
            if self.semaphore.available() == 1 {
                break true;
            }
            if sleeper.is_asleep() && self.semaphore.available() == 0 {
                break false;
            }
        };
        if !given {
            assert_eq!(death.step, 0, "a signal is lost");
            self.semaphore.release();
        }
        let took = all_wake(vec![sleeper], death);
        all_there(&self.semaphore, 1, death);
        took
    }
}

/// Consuming a permit.
struct Consume(Shared<Semaphore>);

impl Scene for Consume {
    const NAME: &'static str = "semaphore: forget two permits, one of them in the account";

    fn set() -> Self {
        Self(set_up(MANY))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        let before = || (self.0.acquire(), self.0.acquire());
        Victim::new(before, |(first, second), steps| {
            second.forget();
            steps.done(1);
            first.forget();
            steps.done(2);
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.0.available();
        let gone = MANY - left;
        let said = if death.over { 2 } else { usize::try_from(death.step).expect("two") };
        assert!(gone == said || (gone == said + 1 && !death.over), "{gone} are gone after {said}");
        all_there(&self.0, left, death)
    }
}

/// Permits beyond those that have a slot.
struct Beyond(Shared<Semaphore>);

impl Scene for Beyond {
    const NAME: &'static str = "semaphore: acquire a fifth permit, give back two, of 67";

    fn set() -> Self {
        Self(set_up(MANY))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        // One in a slot, three in the account: the fifth is that of another slot.
        let before = || (take(&self.0, 3), take(&self.0, 1));
        Victim::new(before, |(kept, given), _| {
            let more = self.0.acquire();
            drop(given);
            drop(more);
            std::mem::forget(kept);
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_there(&self.0, MANY, death)
    }
}

impl Succession for Beyond {
    const NAME: &'static str = "semaphore: two deaths in a row, 67 permits";

    fn successor(&self, _first: &Death) -> Victim {
        // It begins to look where the first one did, and takes over what that one had.
        Victim::new(|| (), |(), _| drop(take(&self.0, 1)))
    }
    fn after_both(self, _first: &Death, second: &Death) -> Duration {
        all_there(&self.0, MANY, second)
    }
}
