//! Two that take turns: each round is there and back.

use std::fs::File;
use std::io::{Read as _, Write as _};

use offspring::sync::{Condvar, Mutex};
use offspring::{Event, Shared};

use super::pthread;
use crate::Fallible;
use crate::crew::Subject;

/// Our events, one in each direction.
#[derive(Debug)]
pub struct Events(pub [Event; 2]);

impl Subject for Events {
    fn run(&self, me: usize, _: usize, order: u64) {
        let (own, other) = (&self.0[me], &self.0[1 - me]);
        for _ in 0..order {
            if me == 0 {
                other.set();
            }
            own.wait();
            own.clear();
            if me == 1 {
                other.set();
            }
        }
    }
}

/// POSIX semaphores, one in each direction.
#[derive(Debug)]
pub struct Semaphores(pub [&'static pthread::Semaphore; 2]);

impl Subject for Semaphores {
    fn run(&self, me: usize, _: usize, order: u64) {
        for _ in 0..order {
            if me == 0 {
                self.0[1].post();
            }
            self.0[me].wait();
            if me == 1 {
                self.0[0].post();
            }
        }
    }
}

/// Pipes, one in each direction.
#[derive(Debug)]
pub struct Pipes {
    to: [File; 2],
    from: [File; 2],
}

impl Pipes {
    /// New ones.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new() -> Fallible<Self> {
        let [one, two] = [nix::unistd::pipe()?, nix::unistd::pipe()?];
        Ok(Self { to: [one.1.into(), two.1.into()], from: [one.0.into(), two.0.into()] })
    }

    fn put(&self, to: usize) {
        (&self.to[to]).write_all(&[1]).expect("a pipe takes a byte");
    }
}

impl Subject for Pipes {
    fn run(&self, me: usize, _: usize, order: u64) {
        for _ in 0..order {
            if me == 0 {
                self.put(1);
            }
            (&self.from[me]).read_exact(&mut [0]).expect("a pipe gives a byte");
            if me == 1 {
                self.put(0);
            }
        }
    }
}

/// A number that says whose turn it is, and a way to wait until it is one's own.
pub trait Passing: Sync + 'static {
    /// Waits until the number is `from`, makes it `to`, and tells the other.
    fn pass(&self, from: u64, to: u64);
}

/// A condition variable there and back.
#[derive(Debug)]
pub struct Turns<P>(pub P);

impl<P: Passing> Subject for Turns<P> {
    fn run(&self, me: usize, _: usize, order: u64) {
        for _ in 0..order {
            self.0.pass(me as u64, 1 - me as u64);
        }
        if me == 0 {
            // So that a round is there and back: the first waits for the last turn to come back.
            self.0.pass(0, 0);
        }
    }
}

/// Ours.
#[derive(Debug, Default)]
#[offspring::shared]
pub struct Own {
    turn: Mutex<u64>,
    condvar: Condvar,
}

impl Passing for Shared<Own> {
    fn pass(&self, from: u64, to: u64) {
        let mut turn = self.turn.lock().expect("nobody dies here");
        while *turn != from {
            turn = self.condvar.wait(turn).expect("nobody dies here");
        }
        *turn = to;
        drop(turn);
        self.condvar.notify_one();
    }
}

/// Those of std.
#[derive(Debug, Default)]
pub struct Std {
    turn: std::sync::Mutex<u64>,
    condvar: std::sync::Condvar,
}

impl Passing for Std {
    fn pass(&self, from: u64, to: u64) {
        let turn = self.turn.lock().expect("nobody panics here");
        let mut turn = self.condvar.wait_while(turn, |turn| *turn != from).expect("nor here");
        *turn = to;
        drop(turn);
        self.condvar.notify_one();
    }
}

/// Those of parking_lot.
#[derive(Debug, Default)]
pub struct ParkingLot {
    turn: parking_lot::Mutex<u64>,
    condvar: parking_lot::Condvar,
}

impl Passing for ParkingLot {
    fn pass(&self, from: u64, to: u64) {
        let mut turn = self.turn.lock();
        self.condvar.wait_while(&mut turn, |turn| *turn != from);
        *turn = to;
        drop(turn);
        self.condvar.notify_one();
    }
}

impl Passing for &'static pthread::Condvar {
    fn pass(&self, from: u64, to: u64) {
        pthread::Condvar::pass(self, from, to);
    }
}
