//! What two processors can do at all: a ring of words in shared memory, one producer, one consumer, both spinning, and
//! nobody may die.

use std::hint::spin_loop;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::case::Case;
use super::lane::{Lane, Seen};
use crate::{Fallible, memory};

const WORDS: usize = 1024;

/// A counter with cache lines to itself.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

#[derive(Debug)]
struct Ring {
    put: Counter,
    got: Counter,
    words: [AtomicU64; WORDS],
}

/// The lane.
#[derive(Debug)]
pub struct Limit {
    ring: &'static Ring,
    batch: u64,
}

impl Lane for Limit {
    fn new(case: Case) -> Fallible<Self> {
        let words = [const { AtomicU64::new(0) }; WORDS];
        let ring = Ring { put: Counter::default(), got: Counter::default(), words };
        Ok(Self { ring: memory::shared(ring)?, batch: case.batch() as u64 })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        let Ring { put, got, words } = self.ring;
        let (mut next, mut free_until) = (0, WORDS as u64);
        Ok(move |source: &[u8]| {
            let (batch, _) = source.as_chunks();
            let end = next + batch.len() as u64;
            while end > free_until {
                spin_loop();
                // Pairs with the Release of the consumer: what it has read may be overwritten.
                free_until = got.0.load(Acquire) + WORDS as u64;
            }
            for (word, at) in batch.iter().zip(next..) {
                words[at as usize % WORDS].store(u64::from_ne_bytes(*word), Relaxed);
            }
            next = end;
            put.0.store(next, Release);
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let Ring { put, got, words } = self.ring;
        let (mut next, mut full_until, most) = (0, 0, self.batch);
        Ok(move || {
            while next == full_until {
                spin_loop();
                // Pairs with the Release of the producer: the words are there.
                full_until = put.0.load(Acquire);
            }
            let items = most.min(full_until - next);
            let places = (next..next + items).map(|at| &words[at as usize % WORDS]);
            let sum = places.fold(0, |sum: u64, word| sum.wrapping_add(word.load(Relaxed)));
            next += items;
            got.0.store(next, Release);
            Seen { items, sum }
        })
    }
}
