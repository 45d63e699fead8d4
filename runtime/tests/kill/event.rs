//! Killed while it sets an event, clears it, or waits for it.

use std::time::Duration;

use offspring::Shared;
use offspring::sync::Event;

use crate::DEADLINE;
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

type Place = Shared<Event>;

fn set_up() -> Place {
    warm();
    Shared::new(Event::new()).unwrap()
}

fn sleepers(event: &Place, count: usize) -> Vec<Helper> {
    let wait = || u8::from(!event.wait_timeout(DEADLINE));
    (0..count).map(|_| Helper::asleep(wait)).collect()
}

/// All of them go on; if nobody has set the event yet, a survivor does.
fn all_go_on(event: &Event, sleepers: Vec<Helper>, death: &Death) -> Duration {
    if !event.is_set() && death.step == 0 {
        event.set();
    }
    sleepers.into_iter().for_each(|it| assert_eq!(it.end(), 0));
    death.age()
}

/// Sets it for others who sleep.
struct Setting(Place, Vec<Helper>);

impl Scene for Setting {
    const NAME: &'static str = "event: set with two asleep";

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.set();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = sleepers(&self.0, 2);
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_go_on(&self.0, self.1, death)
    }
}

/// Sets it and takes that back at once: who slept goes on all the same.
struct Flickering(Place, Vec<Helper>);

impl Scene for Flickering {
    const NAME: &'static str = "event: set and clear with two asleep";

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.set();
                steps.done(1);
                self.0.clear();
                steps.done(2);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = sleepers(&self.0, 2);
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_go_on(&self.0, self.1, death)
    }
}

/// Waits beside another who waits, and is woken.
struct Waiting(Place, Vec<Helper>);

impl Scene for Waiting {
    const NAME: &'static str = "event: wait";
    const UNBLOCK: Option<fn(&mut Self)> = Some(|scene| scene.0.set());

    fn set() -> Self {
        Self(set_up(), Vec::new())
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                self.0.wait();
                steps.done(1);
            },
        )
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        self.1 = sleepers(&self.0, 1);
    }
    fn aftermath(self, death: &Death) -> Duration {
        all_go_on(&self.0, self.1, death)
    }
}

pub(crate) const SCENES: &[Entry] =
    &[scene::<Setting>(), scene::<Flickering>(), scene::<Waiting>()];
