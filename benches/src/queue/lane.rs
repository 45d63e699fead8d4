//! What every rival is brought to: a way for items from producers to consumers, and the look that a consumer takes at
//! what it got.

use std::sync::Mutex;

use super::case::Case;
use crate::Fallible;

/// One look a cache line.
const LINE: usize = 64;

/// A way from producers to consumers.
pub trait Lane: Send + Sync + Sized + 'static {
    /// For this case.
    ///
    /// # Errors
    /// When the system refuses what it needs.
    fn new(case: Case) -> Fallible<Self>;

    /// Called once by each producer, where it runs; the result copies what it is given into the lane: one item, or one
    /// batch.
    ///
    /// # Errors
    /// When the system refuses what it needs.
    fn producer(&self) -> Fallible<impl FnMut(&[u8])>;

    /// Called once by each consumer, where it runs; the result waits for items, and looks at them.
    ///
    /// # Errors
    /// When the system refuses what it needs.
    fn consumer(&self) -> Fallible<impl FnMut() -> Seen>;
}

/// What a consumer saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// So many items.
    pub items: u64,
    /// The first word of each of their cache lines, added up.
    pub sum: u64,
}

impl Seen {
    /// Both.
    #[must_use]
    #[inline]
    pub fn and(self, more: Self) -> Self {
        Self { items: self.items + more.items, sum: self.sum.wrapping_add(more.sum) }
    }
}

/// How to look at what comes in one piece.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Bytes from one look to the next.
    stride: usize,
    items: u64,
}

impl Look {
    /// At pieces of a whole batch, in which items may be smaller than a line.
    pub fn new(case: Case) -> Self {
        Self { stride: case.size().min(LINE), items: case.batch() as u64 }
    }

    /// At one item of this size.
    pub fn one(size: usize) -> Self {
        Self { stride: size.min(LINE), items: 1 }
    }

    /// Looks.
    #[inline]
    pub fn at(self, bytes: &[u8]) -> Seen {
        let mut sum = 0_u64;
        let mut rest = bytes;
        while let Some((word, _)) = rest.split_first_chunk() {
            sum = sum.wrapping_add(u64::from_ne_bytes(*word));
            rest = rest.get(self.stride..).unwrap_or_default();
        }
        Seen { items: self.items, sum }
    }
}

/// What travels by value.
pub trait Payload: Send + 'static {
    /// Copied from what a producer has.
    fn copied(source: &[u8]) -> Self;

    /// What a consumer sees.
    fn seen(&self, look: Look) -> Seen;
}

impl Payload for u64 {
    #[inline]
    fn copied(source: &[u8]) -> Self {
        Self::from_ne_bytes(<[u8; 8]>::copied(source))
    }

    #[inline]
    fn seen(&self, _: Look) -> Seen {
        Seen { items: 1, sum: *self }
    }
}

impl<const N: usize> Payload for [u8; N] {
    #[inline]
    fn copied(source: &[u8]) -> Self {
        source.try_into().expect("a source of the size of the payload")
    }

    #[inline]
    fn seen(&self, look: Look) -> Seen {
        look.at(self)
    }
}

impl Payload for Vec<u8> {
    #[inline]
    fn copied(source: &[u8]) -> Self {
        source.to_vec()
    }

    #[inline]
    fn seen(&self, look: Look) -> Seen {
        look.at(self)
    }
}

/// An end of which there is one; whoever asks first has it, in each process by itself.
pub(super) fn taken<T>(end: &Mutex<Option<T>>) -> Fallible<T> {
    let end = end.lock().ok().and_then(|mut end| end.take());
    end.ok_or_else(|| "it has one producer and one consumer".into())
}

/// What a producer of this case copies from: a batch of equal items, no word of which is like another.
pub fn source(case: Case) -> Vec<u8> {
    let words = (1..).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let item: Vec<u8> = words.take(case.size() / 8).flat_map(u64::to_ne_bytes).collect();
    item.repeat(case.batch())
}
