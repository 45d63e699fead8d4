//! Killed while it selects; or while it wakes those who do.

use std::time::Duration;

use offspring::{Queue, Shared, select, sync::Event};

use crate::DEADLINE;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

/// An event and a queue, both of which are selected, and those who wait.
struct Place {
    event: Shared<Event>,
    queue: Queue<u32>,
    sleepers: Vec<Helper>,
}

impl Place {
    fn set() -> Self {
        warm();
        let queue = Queue::new().unwrap();
        // All that is done for the first time: the queue's memory is mapped, and threads are known that use it.
        queue.put(0).unwrap();
        assert_eq!(select(&[&queue], None).unwrap(), [0]);
        queue.get().unwrap();
        Self { event: Shared::new(Event::new()).unwrap(), queue, sleepers: Vec::new() }
    }

    fn select(&self) -> Vec<usize> {
        select(&[&*self.event, &self.queue], Some(DEADLINE)).unwrap()
    }

    fn selectors(&mut self, expected: usize) {
        let select = || u8::from(self.select() != [expected]);
        let sleepers: Vec<_> = (0..2).map(|_| Helper::asleep(select)).collect();
        self.sleepers.extend(sleepers);
    }

    fn victim(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.select();
                steps.done(1);
            },
        )
    }

    fn all_go_on(self, death: &Death) -> Duration {
        self.sleepers.into_iter().for_each(|it| assert_eq!(it.end(), 0));
        death.age()
    }
}

/// Selects beside one who waits for the event alone, and is woken by it.
struct WokenByEvent(Place);

impl Scene for WokenByEvent {
    const NAME: &'static str = "select: woken by an event";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| scene.0.event.set());

    fn set() -> Self {
        Self(Place::set())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.event)
    }
    fn start(&self) -> Victim {
        self.0.victim()
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        let event = self.0.event.clone();
        self.0.sleepers.push(Helper::asleep(|| u8::from(!event.wait_timeout(DEADLINE))));
        self.0.selectors(0);
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.event.set();
        self.0.all_go_on(death)
    }
}

/// Selects beside one who has the turn to take from the queue, and is woken by an item.
struct WokenByItem(Place);

impl Scene for WokenByItem {
    const NAME: &'static str = "select: woken by an item";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| scene.0.queue.put(1).unwrap());

    fn set() -> Self {
        Self(Place::set())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.event)
    }
    fn start(&self) -> Victim {
        self.0.victim()
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        let queue = self.0.queue.clone();
        self.0.sleepers.push(Helper::asleep(|| u8::from(queue.get_timeout(DEADLINE).is_err())));
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.0.queue.put(2).unwrap();
        self.0.all_go_on(death)
    }
}

/// Sets the event for those who select.
struct Setting(Place);

impl Scene for Setting {
    const NAME: &'static str = "select: an event is set with two asleep";

    fn set() -> Self {
        Self(Place::set())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.event)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| self.0.event.set())
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.0.selectors(0);
    }
    fn aftermath(self, death: &Death) -> Duration {
        if !self.0.event.is_set() {
            self.0.event.set();
        }
        self.0.all_go_on(death)
    }
}

/// Puts an item for those who select.
struct Putting(Place);

impl Scene for Putting {
    const NAME: &'static str = "select: an item is put with two asleep";

    fn set() -> Self {
        Self(Place::set())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0.event)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| self.0.queue.put(1).unwrap())
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.0.selectors(1);
    }
    fn aftermath(self, death: &Death) -> Duration {
        if self.0.queue.is_empty() {
            self.0.queue.put(2).unwrap();
        }
        self.0.all_go_on(death)
    }
}

pub(crate) const SCENES: &[Entry] =
    &[scene::<WokenByEvent>(), scene::<WokenByItem>(), scene::<Setting>(), scene::<Putting>()];
