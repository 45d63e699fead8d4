//! Scenes of `RLock`: free at once however deep its holder was in it, and taken over from the dead exactly when it was held.

use std::time::Duration;

use offspring::Shared;
use offspring::sync::RLock;

use crate::DEADLINE;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<Nested>(), scene::<WithoutGuards>()];

/// A lock, and one who sleeps for it.
struct Setting {
    lock: Shared<RLock>,
    sleeper: Option<Helper>,
}

impl Setting {
    fn new() -> Self {
        warm();
        Self { lock: Shared::new(RLock::new()).expect("memory"), sleeper: None }
    }

    fn start(&self, before: impl FnOnce(&RLock), operation: impl FnOnce(&RLock)) -> Victim {
        Victim::new(|| before(&self.lock), |(), _| operation(&self.lock))
    }

    fn holds(&self, thread: u32) -> Vec<bool> {
        vec![self.lock.holder_thread() == Some(thread)]
    }

    /// It gets the lock, and says whether from the dead.
    fn one_sleeps(&mut self) {
        self.sleeper = Some(Helper::asleep(|| {
            let guard = self.lock.try_lock_for(DEADLINE).unwrap().expect("the lock never comes");
            u8::from(guard.recovered())
        }));
    }

    fn aftermath(self, death: &Death) -> Duration {
        let told = self.sleeper.is_some_and(|sleeper| sleeper.end() == 1);
        let guard = self.lock.try_lock().unwrap().expect("free, as nobody is left");
        let took = death.age();
        assert_eq!(guard.recovered() || told, death.held[0], "taken over from the dead, or not");
        // Once for the next one, however often for the dead.
        drop(guard);
        assert!(!self.lock.is_locked());
        took
    }
}

/// Taken three times and given back as often, with nobody else about.
struct Nested(Setting);

impl Scene for Nested {
    const NAME: &'static str = "rlock: lock three times, unlock";

    fn set() -> Self {
        Self(Setting::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.lock)
    }
    fn start(&self) -> Victim {
        let nest = |lock: &RLock| {
            let outer = lock.lock().unwrap();
            let inner = (lock.lock().unwrap(), lock.try_lock().unwrap());
            drop(outer);
            drop(inner);
        };
        self.0.start(|_| (), nest)
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        self.0.holds(thread)
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.aftermath(death)
    }
}

/// Given back without guards, and somebody sleeps for it.
struct WithoutGuards(Setting);

impl Scene for WithoutGuards {
    const NAME: &'static str = "rlock: acquire again, release twice, one asleep";

    fn set() -> Self {
        Self(Setting::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.lock)
    }
    fn start(&self) -> Victim {
        let release = |lock: &RLock| {
            lock.acquire().unwrap();
            lock.release().unwrap();
            lock.release().unwrap();
        };
        self.0.start(|lock| lock.acquire().unwrap(), release)
    }
    fn holds(&self, thread: u32) -> Vec<bool> {
        self.0.holds(thread)
    }
    fn victim_is_ready(&mut self, _victim: &Victim) {
        self.0.one_sleeps();
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.aftermath(death)
    }
}
