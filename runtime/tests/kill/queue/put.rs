//! Killed while it puts, while somebody sleeps who wants an item; and the one who comes next is killed, too.

use std::time::Duration;

use offspring::Queue;

use super::{Numbered, PATIENCE, PROMPT, Place, assert_may_have_done};
use crate::compound::{self, Succession};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene};
use crate::victim::{Death, Memory, Steps, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Putting<Numbers>>(),
    scene::<Putting<Vectors>>(),
    scene::<Putting<Trying>>(),
    scene::<Putting<Many>>(),
    scene::<Putting<ManyEncoded>>(),
    scene::<Putting<InPlace>>(),
    (<Putting<Numbers> as Succession>::NAME, compound::run::<Putting<Numbers>>),
];

/// A way to put some items.
pub(super) trait Way {
    type Item: Numbered + 'static;
    const NAME: &'static str;
    /// How many each step puts.
    const PORTIONS: &'static [usize];
    /// Puts items with the numbers from `first` on.
    fn put(queue: &Queue<Self::Item>, first: u8, steps: &Steps<'_>);
}

struct Numbers;

impl Way for Numbers {
    type Item = u64;
    const NAME: &'static str = "queue: put two numbers, a getter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn put(queue: &Queue<u64>, first: u8, steps: &Steps<'_>) {
        for step in 0..2 {
            queue.put(u64::new(first + step)).unwrap();
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Vectors;

impl Way for Vectors {
    type Item = Vec<u64>;
    const NAME: &'static str = "queue: put two vectors, a getter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn put(queue: &Queue<Vec<u64>>, first: u8, steps: &Steps<'_>) {
        for step in 0..2 {
            queue.put(Numbered::new(first + step)).unwrap();
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Trying;

impl Way for Trying {
    type Item = (u8, String);
    const NAME: &'static str = "queue: try_put two messages, a getter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn put(queue: &Queue<Self::Item>, first: u8, steps: &Steps<'_>) {
        for step in 0..2 {
            queue.try_put(Numbered::new(first + step)).unwrap();
            steps.done(u32::from(step) + 1);
        }
    }
}

struct Many;

impl Way for Many {
    type Item = Vec<u64>;
    const NAME: &'static str = "queue: put_many of three vectors, a getter asleep";
    const PORTIONS: &'static [usize] = &[3];
    fn put(queue: &Queue<Vec<u64>>, first: u8, steps: &Steps<'_>) {
        queue.put_many((first..first + 3).map(Numbered::new)).unwrap();
        steps.done(1);
    }
}

struct ManyEncoded;

impl Way for ManyEncoded {
    type Item = (u8, String);
    const NAME: &'static str = "queue: put_many of three messages, a getter asleep";
    const PORTIONS: &'static [usize] = &[3];
    fn put(queue: &Queue<Self::Item>, first: u8, steps: &Steps<'_>) {
        queue.put_many((first..first + 3).map(Numbered::new)).unwrap();
        steps.done(1);
    }
}

struct InPlace;

impl Way for InPlace {
    type Item = u64;
    const NAME: &'static str = "queue: reserve and write two, a getter asleep";
    const PORTIONS: &'static [usize] = &[1, 1];
    fn put(queue: &Queue<u64>, first: u8, steps: &Steps<'_>) {
        for step in 0..2 {
            queue.reserve().unwrap().write(u64::new(first + step)).unwrap();
            steps.done(u32::from(step) + 1);
        }
    }
}

/// The victim's numbers begin here, those of its successor, and of the survivor.
const VICTIMS: u8 = 10;
const SUCCESSORS: u8 = 30;
const OWN: u8 = 50;

struct Putting<W: Way> {
    place: Place<W::Item>,
    getter: Option<Helper>,
}

impl<W: Way> Putting<W> {
    fn victim(&self, first: u8) -> Victim {
        Victim::new(|| (), |(), steps| W::put(&self.place.queue, first, steps))
    }

    /// The getter has been woken, or is now; all items, in the order in which they came, and how long the getter took.
    fn collect(&mut self, deaths: &[&Death]) -> (Vec<u8>, Duration) {
        // If nothing is there that could have woken the getter, this does.
        if !self.place.had_first() {
            self.place.put(OWN);
        }
        let first = self.getter.take().expect("one was asleep").end();
        let took = deaths.last().expect("one").age();
        self.place.put(OWN + 1);
        let mut items = vec![first];
        items.extend(self.place.drain());
        self.place.works_on();
        assert_eq!(items.pop(), Some(OWN + 1), "what came last is last: {items:?}");
        if items.last() == Some(&OWN) {
            items.pop();
        }
        (items, took)
    }
}

/// As many as begin with `first`, which follow each other at the beginning of these; they are taken away.
fn take_run(items: &mut Vec<u8>, first: u8) -> usize {
    let count = items.iter().zip(first..).take_while(|(item, number)| **item == *number).count();
    items.drain(..count);
    count
}

impl<W: Way> Scene for Putting<W> {
    const NAME: &'static str = W::NAME;
    const PATIENCE: usize = PATIENCE;
    const PROMPT: Duration = PROMPT;

    fn set() -> Self {
        Self { place: Place::new(0), getter: None }
    }
    fn memory(&self) -> Memory {
        self.place.memory()
    }
    fn start(&self) -> Victim {
        self.victim(VICTIMS)
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.getter = Some(self.place.getter());
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let (mut items, took) = self.collect(&[death]);
        assert_may_have_done(take_run(&mut items, VICTIMS), W::PORTIONS, false, death);
        assert!(items.is_empty(), "{items:?}");
        took
    }
}

impl<W: Way> Succession for Putting<W> {
    const NAME: &'static str = "queue: put, and put after that was killed";

    fn successor(&self, _: &Death) -> Victim {
        self.victim(SUCCESSORS)
    }
    fn after_both(mut self, first: &Death, second: &Death) -> Duration {
        let (mut items, took) = self.collect(&[first, second]);
        assert_may_have_done(take_run(&mut items, VICTIMS), W::PORTIONS, false, first);
        assert_may_have_done(take_run(&mut items, SUCCESSORS), W::PORTIONS, false, second);
        assert!(items.is_empty(), "{items:?}");
        took
    }
}
