//! `Event`: set for all or for nobody, and for those who waited also when it is cleared at once.

use real::cell::Cell;

use super::World;
use crate::kernel::{self, Ended, spawn, spawn_mortal};
use crate::locks::event::Event;

pub(crate) fn mortal_setter() {
    let event = World::new(Event::new());
    let waiters = [spawn(move || event.wait()), spawn(move || event.wait())];
    let mortal = spawn_mortal(move || event.wait());
    let setter = spawn_mortal(move || event.set());
    if setter.join() == Ended::Killed && !event.is_set() {
        event.set();
    }
    let _ = waiters.map(|waiter| waiter.join());
    mortal.join();
    assert!(event.is_set());
}

pub(crate) fn set_and_cleared() {
    let event = World::new(Event::new());
    let passed = World::new(Cell::new(0));
    let wait = move || {
        event.wait();
        passed.set(passed.get() + 1);
    };
    let waiters = [spawn(wait), spawn(wait)];
    kernel::until(|| kernel::count_asleep() == 2);
    let setter = spawn_mortal(move || {
        event.set();
        event.clear();
    });
    if setter.join() == Ended::Killed && !kernel::until_or_quiet(|| passed.get() > 0) {
        event.set();
    }
    // One of them without the other would sleep for ever.
    let _ = waiters.map(|waiter| waiter.join());
}
