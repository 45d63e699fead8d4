//! `Waiters`: no notification dies with anyone, and a notifier has notified all that it was to notify, or none.

use real::cell::Cell;
use real::time::Instant;

use super::World;
use crate::kernel::{self, Ended, spawn, spawn_mortal};
use crate::locks::patience::Patience;
use crate::locks::raw::RawLock;
use crate::locks::waiters::Waiters;

/// How far a waiter has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Before,
    Waiting,
    /// It has its mutex again, and is about to leave: whether it took its notification with it is open.
    Leaving,
    Back,
}

struct Kitchen {
    mutex: RawLock,
    waiters: Waiters,
    stages: [Cell<Stage>; 3],
}

impl Kitchen {
    fn is(&self, who: usize, stage: Stage) -> bool {
        self.stages[who].get() == stage
    }
}

fn kitchen() -> World<Kitchen> {
    let stages = [const { Cell::new(Stage::Before) }; 3];
    World::new(Kitchen { mutex: RawLock::new(), waiters: Waiters::new(), stages })
}

/// `Condvar::wait`, and how it went: false says that patience was at its end.
fn wait(kitchen: World<Kitchen>, who: usize, patience: Patience) -> bool {
    let Kitchen { mutex, waiters, stages } = &*kitchen;
    let held = mutex.lock(Patience::Endless).expect("nobody has it for long");
    let place = waiters.join().expect("no signal handlers");
    stages[who].set(Stage::Waiting);
    mutex.unlock(held);
    let mut notified = waiters.wait(place, patience);
    if !notified {
        notified = waiters.give_up(place);
    }
    let held = mutex.lock(Patience::Endless).expect("nobody has it for long");
    stages[who].set(Stage::Leaving);
    if notified {
        waiters.finish(place);
    }
    stages[who].set(Stage::Back);
    mutex.unlock(held);
    notified
}

fn start(kitchen: World<Kitchen>, who: usize) -> impl FnOnce() + Send + 'static {
    move || {
        wait(kitchen, who, Patience::Endless);
    }
}

pub(crate) fn mortal_waiter() {
    let kitchen = kitchen();
    let mortal = spawn_mortal(start(kitchen, 0));
    let other = spawn(start(kitchen, 1));
    kernel::until(|| !kitchen.is(1, Stage::Before));
    kernel::until(|| !kitchen.is(0, Stage::Before) || mortal.is_dead());
    assert_eq!(kitchen.waiters.notify(1), 1);
    kernel::until(|| mortal.is_dead() || kitchen.is(0, Stage::Back) || kitchen.is(1, Stage::Back));
    // Killed before it could take the notification: the other one has it, without more ado.
    if !(mortal.is_dead() && kitchen.is(0, Stage::Waiting)) {
        kitchen.waiters.notify(1);
    }
    other.join();
    if mortal.join() == Ended::Well {
        assert!(kitchen.is(0, Stage::Back));
    }
    assert_eq!(kitchen.waiters.notify(1), 0, "nobody waits any more");
}

/// Two notifications for three waiters: whoever dies hands its own on.
pub(crate) fn two_for_three() {
    let kitchen = kitchen();
    let mortal = spawn_mortal(start(kitchen, 0));
    let others = [spawn(start(kitchen, 1)), spawn(start(kitchen, 2))];
    kernel::until(|| !kitchen.is(1, Stage::Before) && !kitchen.is(2, Stage::Before));
    kernel::until(|| !kitchen.is(0, Stage::Before) || mortal.is_dead());
    assert_eq!(kitchen.waiters.notify(2), 2);
    let others_back = || kitchen.is(1, Stage::Back) && kitchen.is(2, Stage::Back);
    kernel::until(|| mortal.is_dead() || !kitchen.is(0, Stage::Waiting) || others_back());
    if !(mortal.is_dead() && kitchen.is(0, Stage::Waiting)) {
        kitchen.waiters.notify(1);
    }
    let _ = others.map(|other| other.join());
    mortal.join();
}

/// The notification of the dead goes to one who dies as well.
pub(crate) fn two_mortal_waiters() {
    let kitchen = kitchen();
    let mortals = [spawn_mortal(start(kitchen, 0)), spawn_mortal(start(kitchen, 1))];
    let last = spawn(start(kitchen, 2));
    kernel::until(|| !kitchen.is(2, Stage::Before));
    assert_eq!(kitchen.waiters.notify(1), 1);
    let in_vain = |who: usize| mortals[who].is_dead() && !kitchen.is(who, Stage::Leaving);
    let any_back = || (0..3).any(|who| kitchen.is(who, Stage::Back));
    kernel::until_or_quiet(|| any_back() || (in_vain(0) && in_vain(1)));
    let lost =
        (in_vain(0) && in_vain(1)) && !kitchen.is(0, Stage::Back) && !kitchen.is(1, Stage::Back);
    // Neither of the mortals has it: it goes to the last one without more ado.
    if !lost {
        kernel::until(|| kitchen.waiters.notify(usize::MAX) == 0);
    }
    last.join();
    let _ = mortals.map(|mortal| mortal.join());
}

pub(crate) fn impatient_waiter() {
    let kitchen = kitchen();
    let now = Instant::now();
    let impatient = spawn(move || {
        if !wait(kitchen, 0, Patience::Until(now)) {
            kitchen.stages[0].set(Stage::Before);
        }
    });
    let other = spawn(start(kitchen, 1));
    let mortal = spawn_mortal(start(kitchen, 2));
    kernel::until(|| !kitchen.is(1, Stage::Before));
    let notified = kitchen.waiters.notify(1);
    assert!(notified == 1);
    impatient.join();
    // It gave up, or took the notification. The other two get as many as there are of them.
    kitchen.waiters.notify(1);
    kernel::until(|| {
        kitchen.is(2, Stage::Waiting) || kitchen.is(2, Stage::Back) || mortal.is_dead()
    });
    kitchen.waiters.notify(2);
    other.join();
    mortal.join();
    assert_eq!(kitchen.waiters.notify(1), 0, "nobody waits any more");
}

pub(crate) fn mortal_notifier() {
    let kitchen = kitchen();
    let waiters = [spawn(start(kitchen, 0)), spawn(start(kitchen, 1))];
    kernel::until(|| !kitchen.is(0, Stage::Before) && !kitchen.is(1, Stage::Before));
    let notifier = spawn_mortal(move || {
        kitchen.waiters.notify(usize::MAX);
    });
    let killed = notifier.join() == Ended::Killed;
    let one = || kitchen.is(0, Stage::Back) || kitchen.is(1, Stage::Back);
    if killed && !kernel::until_or_quiet(one) {
        kitchen.waiters.notify(usize::MAX);
    }
    // One of them without the other would sleep for ever.
    let _ = waiters.map(|waiter| waiter.join());
}
