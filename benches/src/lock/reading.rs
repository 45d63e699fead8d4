//! 99 reads, then a write, everybody an equal share.

use std::hint::black_box;

use offspring::Shared;

use super::pthread;
use crate::crew::Subject;

/// One write in so many.
const WRITE_EVERY: u64 = 100;

/// A lock for readers and writers around a number.
pub trait Reading: Sync + 'static {
    /// The number.
    fn get(&self) -> u64;
    /// Adds 1.
    fn add(&self);
}

/// The subject.
#[derive(Debug)]
pub struct Mostly<R>(pub R);

impl<R: Reading> Subject for Mostly<R> {
    fn run(&self, _: usize, of: usize, order: u64) {
        for round in 0..order.div_ceil(of as u64) {
            if round % WRITE_EVERY == 0 {
                self.0.add();
            } else {
                black_box(self.0.get());
            }
        }
    }
}

impl Reading for Shared<offspring::sync::RwLock<u64>> {
    #[inline]
    fn get(&self) -> u64 {
        *self.read().expect("nobody dies here")
    }

    #[inline]
    fn add(&self) {
        *self.write().expect("nobody dies here") += 1;
    }
}

impl Reading for std::sync::RwLock<u64> {
    #[inline]
    fn get(&self) -> u64 {
        *self.read().expect("nobody panics here")
    }

    #[inline]
    fn add(&self) {
        *self.write().expect("nobody panics here") += 1;
    }
}

impl Reading for parking_lot::RwLock<u64> {
    #[inline]
    fn get(&self) -> u64 {
        *self.read()
    }

    #[inline]
    fn add(&self) {
        *self.write() += 1;
    }
}

impl Reading for &'static pthread::RwLock {
    #[inline]
    fn get(&self) -> u64 {
        pthread::RwLock::read(self)
    }

    #[inline]
    fn add(&self) {
        pthread::RwLock::add(self);
    }
}
