//! Killed while it takes, from a full queue, while somebody sleeps who wants room; and the one who comes next is killed, too.

use std::time::Duration;

use offspring::Queue;

use super::{Numbered, PATIENCE, PROMPT, Place, assert_may_have_done, steps};
use crate::compound::{self, Succession};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Steps, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Getting<Numbers>>(),
    scene::<Getting<Vectors>>(),
    scene::<Getting<Trying>>(),
    scene::<Getting<Many>>(),
    scene::<Getting<ManyEncoded>>(),
    scene::<Getting<InPlace>>(),
    (<Getting<Numbers> as Succession>::NAME, compound::run::<Getting<Numbers>>),
];

/// A way to take some items.
trait Way {
    type Item: Numbered + 'static;
    const NAME: &'static str;
    /// How many each step takes.
    const PORTIONS: &'static [usize];
    /// Takes, and looks whether the first one has the number `first`.
    fn get(queue: &Queue<Self::Item>, first: Option<u8>, steps: &Steps<'_>);
}

/// Its number is the one that is expected, if any is.
fn look_at(item: &impl Numbered, expected: Option<u8>) {
    let number = item.number();
    assert!(expected.is_none_or(|expected| number == expected), "{number}");
}

struct Numbers;

impl Way for Numbers {
    type Item = u64;
    const NAME: &'static str = "queue: get two numbers, a putter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn get(queue: &Queue<u64>, first: Option<u8>, steps: &Steps<'_>) {
        for step in 0..2 {
            look_at(&queue.get().unwrap(), first.map(|first| first + step));
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Vectors;

impl Way for Vectors {
    type Item = Vec<u64>;
    const NAME: &'static str = "queue: get two vectors, a putter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn get(queue: &Queue<Vec<u64>>, first: Option<u8>, steps: &Steps<'_>) {
        for step in 0..2 {
            look_at(&queue.get().unwrap(), first.map(|first| first + step));
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Trying;

impl Way for Trying {
    type Item = (u8, String);
    const NAME: &'static str = "queue: try_get two messages, a putter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn get(queue: &Queue<Self::Item>, first: Option<u8>, steps: &Steps<'_>) {
        for step in 0..2 {
            look_at(&queue.try_get().unwrap(), first.map(|first| first + step));
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Many;

impl Way for Many {
    type Item = Vec<u64>;
    const NAME: &'static str = "queue: get_many of two vectors, a putter asleep";
    const PORTIONS: &'static [usize] = &[2];
    fn get(queue: &Queue<Vec<u64>>, first: Option<u8>, steps: &Steps<'_>) {
        let items = queue.get_many(2).unwrap();
        look_at(&items[1], first.map(|first| first + 1));
        steps.done(1);
    }
}

struct ManyEncoded;

impl Way for ManyEncoded {
    type Item = (u8, String);
    const NAME: &'static str = "queue: get_many of three messages, a putter asleep";
    const PORTIONS: &'static [usize] = &[3];
    fn get(queue: &Queue<Self::Item>, first: Option<u8>, steps: &Steps<'_>) {
        let items = queue.get_many(3).unwrap();
        look_at(&items[2], first.map(|first| first + 2));
        steps.done(1);
    }
}

struct InPlace;

impl Way for InPlace {
    type Item = u64;
    const NAME: &'static str = "queue: get_with, a putter asleep";
    /// From when it is read on, it is taken.
    const PORTIONS: &'static [usize] = &[1, 0, 1, 0];
    fn get(queue: &Queue<u64>, first: Option<u8>, steps: &Steps<'_>) {
        for step in 0..2 {
            let read = |item: &u64| {
                steps.done(2 * u32::from(step) + 1);
                look_at(item, first.map(|first| first + step));
            };
            queue.get_with(read).unwrap();
            steps.done(2 * u32::from(step) + 2);
        }
    }
}

const FULL: u8 = 5;
const PUTTERS: u8 = 50;

struct Getting<W: Way> {
    place: Place<W::Item>,
    putter: Option<Helper>,
}

impl<W: Way> Getting<W> {
    fn victim(&self, first: Option<u8>) -> Victim {
        Victim::new(|| (), move |(), steps| W::get(&self.place.queue, first, steps))
    }

    /// The putter has been woken, or is now; how many were missing when all were dead, and how long the putter took.
    fn count_missing(&mut self, last: &Death) -> (usize, Duration) {
        let mut items = Vec::new();
        // If nothing was taken that could have woken the putter, this does. It may have put its own already; then one
        // was taken, and it does not matter.
        if self.place.queue.is_full() {
            items.push(self.place.queue.try_get().unwrap().number());
        }
        assert_eq!(self.putter.take().expect("one was asleep").end(), 0);
        let took = last.age();
        items.extend(self.place.drain());
        self.place.works_on();
        assert_eq!(items.pop(), Some(PUTTERS), "{items:?}");
        let missing = usize::from(FULL) - items.len();
        assert!(items.iter().copied().eq(1 + missing as u8..=FULL), "{items:?}");
        (missing, took)
    }
}

impl<W: Way> Scene for Getting<W> {
    const NAME: &'static str = W::NAME;
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self { place: Place::with(FULL.into(), 1..=FULL), putter: None }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        self.victim(Some(1))
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.putter = Some(self.place.putter(PUTTERS));
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let (missing, took) = self.count_missing(death);
        assert_may_have_done(missing, W::PORTIONS, true, death);
        took
    }
}

impl<W: Way> Succession for Getting<W> {
    const NAME: &'static str = "queue: get, and get after that was killed";

    fn successor(&self, _: &Death) -> Victim {
        self.victim(None)
    }
    fn after_both(mut self, first: &Death, second: &Death) -> Duration {
        let (missing, took) = self.count_missing(second);
        let least = steps(first, 2) + steps(second, 2);
        assert!((least..=least + 2).contains(&missing), "{missing} are missing of {least}");
        took
    }
}
