//! Killed while it waits for an item, or for room, with another one asleep behind it; both get what comes.

use std::time::Duration;

use super::{Numbered as _, PATIENCE, PROMPT, Place, steps};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<ForItem>(), scene::<ForRoom>()];

/// Items come as long as the victim sleeps.
struct ForItem {
    place: Place<u64>,
    put: u8,
    behind: Option<Helper>,
}

impl ForItem {
    fn put(&mut self) {
        self.put += 1;
        self.place.put(self.put);
    }
}

impl Scene for ForItem {
    const NAME: &'static str = "queue: wait for an item, before another who does";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| {
        // One for each is enough.
        if scene.put < 2 {
            scene.put();
        }
    });

    fn set() -> Self {
        Self { place: Place::new(0), put: 0, behind: None }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.place.queue.get().unwrap().number();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.behind = Some(self.place.getter());
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        // The victim had one at most; the other one has the rest.
        while self.put < 2 {
            self.put();
        }
        let number = self.behind.expect("one was asleep").end();
        let took = death.age();
        let left = self.place.drain();
        let seen = 1 + left.len();
        assert!(seen == 1 || death.step == 0 && seen == 2, "{number} {left:?}");
        assert!(number == 1 && left.is_empty() || number == 2 || left == [2], "{number} {left:?}");
        self.place.works_on();
        took
    }
}

/// Items are taken as long as the victim sleeps.
struct ForRoom {
    place: Place<u64>,
    behind: Option<Helper>,
    taken: Vec<u8>,
}

impl ForRoom {
    fn take(&mut self) {
        self.taken.extend(self.place.queue.try_get().ok().map(|item| item.number()));
    }
}

impl Scene for ForRoom {
    const NAME: &'static str = "queue: wait for room, before another who does";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;
    const UNBLOCK: Option<fn(&mut Self)> = Some(Self::take);

    fn set() -> Self {
        Self { place: Place::with(2, [1, 2]), behind: None, taken: Vec::new() }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.place.queue.put(super::Numbered::new(10)).unwrap();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.behind = Some(self.place.putter(20));
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        self.take();
        self.take();
        assert_eq!(self.behind.take().expect("one was asleep").end(), 0);
        let took = death.age();
        self.taken.extend(self.place.drain());
        let mut rest = self.taken.clone();
        rest.retain(|number| *number != 10);
        assert_eq!(rest, [1, 2, 20], "{:?}", self.taken);
        let count = self.taken.len() - rest.len();
        assert!(count <= 1 && count >= steps(death, 1), "{:?}", self.taken);
        self.place.works_on();
        took
    }
}
