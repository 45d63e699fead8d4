//! `Barrier`: nobody passes alone, nobody waits for the dead, and nobody breaks it by ending well.

use real::cell::Cell;

use super::World;
use crate::kernel::{self, Ended, Thread, spawn};
use crate::locks::barrier::Barrier;

const ROUNDS: usize = 2;

struct Race {
    barrier: Barrier,
    /// How many have come to each round.
    arrived: [Cell<usize>; ROUNDS],
    broken: Cell<usize>,
}

fn run(race: World<Race>, mortal: bool) {
    // Who has never been there is missed by nobody.
    race.barrier.wait().expect("all come to the first round");
    if mortal {
        kernel::become_mortal();
    }
    for arrived in &race.arrived {
        arrived.set(arrived.get() + 1);
        match race.barrier.wait() {
            Ok(_) => assert_eq!(arrived.get(), race.barrier.parties(), "somebody passes alone"),
            Err(_) => return race.broken.set(race.broken.get() + 1),
        }
    }
}

fn with_parties(parties: usize) {
    let arrived = [const { Cell::new(0) }; ROUNDS];
    let race = Race { barrier: Barrier::new(parties), arrived, broken: Cell::new(0) };
    let race = World::new(race);
    let mut threads: Vec<Thread> = (1..parties).map(|_| spawn(move || run(race, false))).collect();
    threads.push(spawn(move || run(race, true)));
    let ends: Vec<Ended> = threads.into_iter().map(Thread::join).collect();
    let killed = ends.contains(&Ended::Killed);
    assert!(killed || (race.broken.get() == 0 && !race.barrier.is_broken()), "broken by nobody");
    race.barrier.reset();
    let again: Vec<Thread> =
        (0..parties).map(|_| spawn(move || assert!(race.barrier.wait().is_ok()))).collect();
    again.into_iter().for_each(|thread| {
        thread.join();
    });
}

pub(crate) fn two() {
    with_parties(2);
}

pub(crate) fn three() {
    with_parties(3);
}
