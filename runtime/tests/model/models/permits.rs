//! `Permits`: never more than there are, and those of the dead come back.

use real::cell::{Cell, RefCell};

use super::World;
use crate::kernel::{self, Ended, spawn, spawn_mortal};
use crate::locks::patience::Patience;
use crate::locks::permits::Permits;

struct Booth {
    permits: Permits,
    inside: RefCell<Vec<u32>>,
    consumed: Cell<usize>,
}

fn booth(permits: usize) -> World<Booth> {
    let permits = Permits::new(permits, false);
    World::new(Booth { permits, inside: RefCell::default(), consumed: Cell::new(0) })
}

fn sing(booth: World<Booth>) {
    let permit = booth.permits.acquire(Patience::Endless).expect("endless patience");
    booth.inside.borrow_mut().push(kernel::tid());
    let living = booth.inside.borrow().iter().filter(|it| !kernel::is_dead(**it)).count();
    assert!(living <= 2, "more inside than there are permits");
    kernel::point();
    booth.inside.borrow_mut().retain(|it| *it != kernel::tid());
    booth.permits.give_back(permit);
}

pub(crate) fn three_for_two() {
    let booth = booth(2);
    let twice = move || (0..2).for_each(|_| sing(booth));
    let threads = [spawn_mortal(twice), spawn_mortal(twice), spawn(twice), spawn(twice)];
    let _ = threads.map(|thread| thread.join());
    assert_eq!(booth.permits.available(), 2, "permits are lost or made");
}

pub(crate) fn mortal_releaser() {
    let booth = booth(0);
    let waiter = spawn(move || {
        let permit = booth.permits.acquire(Patience::Endless).expect("endless patience");
        booth.permits.consume(permit);
        booth.consumed.set(1);
    });
    let releaser = spawn_mortal(move || {
        booth.permits.release();
    });
    if releaser.join() == Ended::Killed {
        // Whether it had done it or not: then there is one more.
        let done = kernel::until_or_quiet(|| booth.consumed.get() == 1);
        let left = booth.permits.available();
        assert!(done || left == 0, "a permit is there, and its waiter sleeps");
        if !done {
            booth.permits.release();
        }
    }
    waiter.join();
    assert_eq!((booth.permits.available(), booth.consumed.get()), (0, 1));
}

fn use_up(booth: World<Booth>) {
    let permit = booth.permits.acquire(Patience::Endless).expect("endless patience");
    booth.permits.consume(permit);
    booth.consumed.set(booth.consumed.get() + 1);
}

pub(crate) fn used_up() {
    let booth = booth(0);
    let mortal = spawn_mortal(move || use_up(booth));
    let user = spawn(move || use_up(booth));
    let adder = spawn(move || (0..3).for_each(|_| assert!(booth.permits.release())));
    let killed = mortal.join() == Ended::Killed;
    user.join();
    adder.join();
    let all = booth.permits.available() + booth.consumed.get();
    // One who is killed in the middle has used one up or has not.
    assert!(all == 3 || (killed && all == 2), "{all} of 3 permits");
}
