//! Take a permit and give it back, alone.

use offspring::Semaphore;

use super::pthread;
use crate::crew::Subject;

/// Ours.
#[derive(Debug)]
pub struct Offspring(pub Semaphore);

impl Subject for Offspring {
    fn run(&self, _: usize, _: usize, order: u64) {
        for _ in 0..order {
            drop(self.0.acquire());
        }
    }
}

/// POSIX's.
#[derive(Debug)]
pub struct Posix(pub &'static pthread::Semaphore);

impl Subject for Posix {
    fn run(&self, _: usize, _: usize, order: u64) {
        for _ in 0..order {
            self.0.wait();
            self.0.post();
        }
    }
}
