//! Everybody waits for everybody, round after round.

use offspring::Barrier;

use super::pthread;
use crate::crew::Subject;

/// Ours.
#[derive(Debug)]
pub struct Offspring(pub Barrier);

impl Subject for Offspring {
    fn run(&self, _: usize, _: usize, order: u64) {
        for _ in 0..order {
            self.0.wait().expect("nobody dies here");
        }
    }
}

/// That of std.
#[derive(Debug)]
pub struct Std(pub std::sync::Barrier);

impl Subject for Std {
    fn run(&self, _: usize, _: usize, order: u64) {
        for _ in 0..order {
            self.0.wait();
        }
    }
}

/// That of libc.
#[derive(Debug)]
pub struct Pthread(pub &'static pthread::Barrier);

impl Subject for Pthread {
    fn run(&self, _: usize, _: usize, order: u64) {
        for _ in 0..order {
            self.0.wait();
        }
    }
}
