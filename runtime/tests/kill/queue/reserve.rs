//! Killed with room in its hands, or an item that it reads in place, while others queue behind it and on the other side.

use std::time::Duration;

use super::{Numbered as _, PATIENCE, PROMPT, Place};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<Writing>(), scene::<Reading>()];

/// It has room; one waits to put after it, and one for an item.
struct Writing {
    place: Place<u64>,
    others: Option<[Helper; 2]>,
}

impl Scene for Writing {
    const NAME: &'static str = "queue: write what was reserved, a putter and a getter asleep";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self { place: Place::new(0), others: None }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || self.place.queue.reserve().unwrap(),
            |room, steps| {
                room.write(u64::new(10)).unwrap();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.others = Some([self.place.putter(20), self.place.getter()]);
    }
    fn aftermath(self, death: &Death) -> Duration {
        let [putter, getter] = self.others.expect("two were asleep");
        assert_eq!(putter.end(), 0);
        let mut items = vec![getter.end()];
        let took = death.age();
        items.extend(self.place.drain());
        assert!(items == [10, 20] || death.step == 0 && items == [20], "{items:?}");
        self.place.works_on();
        took
    }
}

/// It reads; one waits to take after it, and one for room.
struct Reading {
    place: Place<u64>,
    others: Option<[Helper; 2]>,
}

impl Scene for Reading {
    const NAME: &'static str = "queue: the end of get_with, a getter and a putter asleep";
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self { place: Place::with(2, [1, 2]), others: None }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        // What comes before that is stepped through as well, but where the others wait it is over.
        Victim::new(
            || (),
            |(), steps| {
                self.place.queue.get_with(|item| assert_eq!(item.number(), 1)).unwrap();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.others = Some([self.place.putter(20), self.place.putter(21)]);
    }
    fn aftermath(self, death: &Death) -> Duration {
        let mut items = Vec::new();
        // Two want room, of which the victim has made some for one at most.
        items.extend(self.place.queue.try_get().ok().map(|item| item.number()));
        if death.step == 0 {
            items.extend(self.place.queue.get().ok().map(|item| item.number()));
        }
        let [one, other] = self.others.expect("two were asleep");
        assert_eq!(one.end() + other.end(), 0);
        let took = death.age();
        items.extend(self.place.drain());
        let (news, olds): (Vec<u8>, Vec<u8>) = items.iter().partition(|item| **item >= 20);
        assert!(olds == [2] || death.step == 0 && olds == [1, 2], "{items:?}");
        assert!(news == [20, 21] || news == [21, 20], "{items:?}");
        self.place.works_on();
        took
    }
}
