//! [`ChunksMut`]: all pieces of an array, one after another.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;
use std::sync::Arc;

use super::chunk::Chunk;
use super::lending::Loan;

/// The pieces of an array, from [`Array::chunks_mut`](crate::Array::chunks_mut): all of it, each element in one of them.
///
/// It has what was not taken from it yet, and gives it back when it is dropped.
pub struct ChunksMut<T> {
    loan: Arc<Loan<T>>,
    rest: Range<usize>,
    size: usize,
}

impl<T> ChunksMut<T> {
    /// `rest` is a range of the loan, and nobody else's; `size` is not 0.
    pub(super) fn new(loan: Loan<T>, rest: Range<usize>, size: usize) -> Self {
        Self { loan: Arc::new(loan), rest, size }
    }

    /// Makes a piece of one end of the rest.
    fn cut(&mut self, piece: Range<usize>, rest: Range<usize>) -> Chunk<T> {
        // They were one before, and are two pieces of the same loan now: the kernel need not know.
        let mut own = self.loan.core.own();
        own.remove(&self.rest);
        own.insert(&piece);
        own.insert(&rest);
        drop(own);
        self.rest = rest;
        Chunk::new(Arc::clone(&self.loan), piece)
    }
}

impl<T> Iterator for ChunksMut<T> {
    type Item = Chunk<T>;

    fn next(&mut self) -> Option<Chunk<T>> {
        let Range { start, end } = self.rest;
        if start == end || !self.loan.is_here() {
            return None;
        }
        let cut = start + self.size.min(end - start);
        Some(self.cut(start..cut, cut..end))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = if self.loan.is_here() { self.rest.len().div_ceil(self.size) } else { 0 };
        (count, Some(count))
    }
}

impl<T> DoubleEndedIterator for ChunksMut<T> {
    fn next_back(&mut self) -> Option<Chunk<T>> {
        let Range { start, end } = self.rest;
        if start == end || !self.loan.is_here() {
            return None;
        }
        // The last one may be shorter, and the others are not.
        let cut = start + (end - start - 1) / self.size * self.size;
        Some(self.cut(cut..end, start..cut))
    }
}

impl<T> ExactSizeIterator for ChunksMut<T> {}
impl<T> FusedIterator for ChunksMut<T> {}

impl<T> Drop for ChunksMut<T> {
    fn drop(&mut self) {
        self.loan.give_back(&self.rest, None);
    }
}

impl<T> fmt::Debug for ChunksMut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksMut")
            .field("rest", &self.rest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
