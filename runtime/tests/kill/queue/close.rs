//! Killed while it closes a queue at which many sleep, on one side or the other.

use std::time::Duration;

use super::{CLOSED, PATIENCE, PROMPT, Place};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<Empty>(), scene::<Full>()];

struct Closing {
    place: Place<u64>,
    sleepers: Vec<Helper>,
}

impl Closing {
    fn new(place: Place<u64>) -> Self {
        Self { place, sleepers: Vec::new() }
    }

    fn victim(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.place.queue.close();
                steps.done(1);
            },
        )
    }

    /// It is closed or not; when it is, all are told.
    fn all_are_told(self, death: &Death) -> Duration {
        let queue = &self.place.queue;
        assert!(queue.is_closed() || death.step == 0);
        if !queue.is_closed() {
            queue.close();
        }
        self.sleepers.into_iter().for_each(|it| assert_eq!(it.end(), CLOSED));
        let took = death.age();
        assert!(queue.put(1).is_err() && queue.is_closed());
        took
    }
}

/// Two wait for an item.
struct Empty(Closing);

impl Scene for Empty {
    const NAME: &'static str = "queue: close, two getters asleep";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self(Closing::new(Place::new(0)))
    }
    fn memory(&self) -> Memory {
        self.0.place.memory()
    }
    fn start(&self) -> Victim {
        self.0.victim()
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.0.sleepers = (0..2).map(|_| self.0.place.getter()).collect();
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.all_are_told(death)
    }
}

/// Two wait for room.
struct Full(Closing);

impl Scene for Full {
    const NAME: &'static str = "queue: close, two putters asleep";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self(Closing::new(Place::with(1, [1])))
    }
    fn memory(&self) -> Memory {
        self.0.place.memory()
    }
    fn start(&self) -> Victim {
        self.0.victim()
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.0.sleepers = (0..2).map(|number| self.0.place.putter(20 + number)).collect();
    }
    fn aftermath(self, death: &Death) -> Duration {
        let queue = self.0.place.queue.clone();
        let took = self.0.all_are_told(death);
        // What was in it comes out.
        assert!(queue.try_get().is_ok() && queue.try_get().is_err());
        took
    }
}
