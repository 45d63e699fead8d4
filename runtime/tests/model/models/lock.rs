//! `RawLock`: one at a time, and word of each death to the next.

use real::cell::Cell;
use real::time::Instant;

use super::World;
use crate::kernel::{self, Ended, Thread, spawn, spawn_mortal};
use crate::locks::patience::Patience;
use crate::locks::raw::{RawLock, Refusal};

/// A lock, and who is inside according to themselves.
struct Room {
    lock: RawLock,
    inside: Cell<u32>,
}

fn room() -> World<Room> {
    World::new(Room { lock: RawLock::new(), inside: Cell::new(0) })
}

/// Once in and out.
fn visit(room: World<Room>, patience: Patience) {
    let held = match room.lock.lock(patience) {
        Ok(held) => held,
        Err(Refusal::Busy) => return,
        Err(other) => panic!("{other:?}"),
    };
    let before = room.inside.replace(kernel::tid());
    assert!(before == 0 || kernel::is_dead(before), "two at a time");
    let told = room.lock.begin_use();
    assert!(told || before == 0, "a death inside is not reported");
    room.lock.set_doubtful(false);
    // Somewhere inside.
    kernel::point();
    assert_eq!(room.inside.replace(0), kernel::tid(), "two at a time");
    room.lock.unlock(held);
}

fn free_at_last(room: World<Room>, threads: Vec<Thread>, mortal: usize) {
    let killed = threads.into_iter().map(Thread::join).filter(|ended| *ended == Ended::Killed);
    assert!(killed.count() <= mortal);
    visit(room, Patience::None);
    assert!(room.inside.get() == 0 && !room.lock.is_locked() && !room.lock.is_doubtful());
}

fn run(mortal: usize) {
    let room = room();
    let twice = move || (0..2).for_each(|_| visit(room, Patience::Endless));
    let threads = (0..3).map(|it| if it < mortal { spawn_mortal(twice) } else { spawn(twice) });
    free_at_last(room, threads.collect(), mortal);
}

pub(crate) fn one_dies() {
    run(1);
}

pub(crate) fn two_die() {
    run(2);
}

/// One who waits in vain leaves nobody worse off.
pub(crate) fn impatient() {
    let room = room();
    let now = Instant::now();
    let threads = vec![
        spawn_mortal(move || visit(room, Patience::Endless)),
        spawn_mortal(move || visit(room, Patience::Until(now))),
        spawn(move || (0..2).for_each(|_| visit(room, Patience::Endless))),
        spawn(move || visit(room, Patience::Until(now))),
    ];
    free_at_last(room, threads, 2);
}
