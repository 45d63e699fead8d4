//! [`Chunk`]: some elements of an array, for their holder alone.
//!
//! # Safety
//! Invariant 1: a `Chunk` is made for a range that its loan has from the kernel, and there is one for it; that stays so until
//! it is dropped (`core` says why nobody else uses the elements meanwhile). Its slice is those elements, which are values of
//! type `T`, and mapped as long as the loan's array is.
//! Invariant 2: a copy of the process has no elements in its copy of a chunk, so that no slice that is made there leads to what
//! the original has. (One that was made before, from a chunk that was leaked, would: so is it with all that a program leaks and
//! then copies; copies are made of processes with one thread, and never return to what that was doing.)

#![allow(unsafe_code, reason = "slices of mapped memory")]

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use super::copies;
use super::lending::Loan;
use crate::Result;

/// A piece of an [`Array`](crate::Array), `&mut [T]` to whoever has it, in whatever process.
///
/// [`Array::chunks_mut`](crate::Array::chunks_mut) makes it. It is given to a task by value, or sent over a connection or through a queue.
/// Dropped, it comes back to the array; and it does when its holder is killed, or when it gets lost on its way.
///
/// # Sent by value
/// Whoever receives it has it when its sender has dropped its own, which happens by itself when it is moved into a task or
/// a message. A sender that keeps it (one that lends it to a task, or has it in an `Arc`) goes on having it, and the receiver
/// gets an error after some seconds. When it could not be sent, and is given back with the error, its sender has it as before.
///
/// # Fork and death
/// In a copy of this process made by `StartMethod::Fork`, a chunk that was not handed to it is empty.
///
/// # Examples
/// ```
/// use offspring::{Array, Chunk, process};
///
/// #[process]
/// fn double(mut part: Chunk<f32>) -> Chunk<f32> {
///     part.iter_mut().for_each(|number| *number *= 2.0);
///     part
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let numbers = Array::from_fn(6, |i| i as f32)?;
/// let mut parts = numbers.chunks_mut(3)?;
/// let (mine, other) = (parts.next().unwrap(), parts.next().unwrap());
/// let other = double::spawn(other)?.join()?;
/// assert_eq!((&mine[..], &other[..]), (&[0.0, 1.0, 2.0][..], &[6.0, 8.0, 10.0][..]));
/// # Ok(())
/// # }
/// ```
pub struct Chunk<T> {
    pub(super) loan: Arc<Loan<T>>,
    range: Range<usize>,
    first: NonNull<T>,
    /// What was put into messages: when this chunk is dropped, the range goes there.
    heir: Mutex<Option<Arc<OwnedFd>>>,
}

// SAFETY: like `&mut [T]`.
unsafe impl<T: Send> Send for Chunk<T> {}
// SAFETY: as above: it gives `&[T]`.
unsafe impl<T: Sync> Sync for Chunk<T> {}

impl<T> Chunk<T> {
    /// `range` is a range of the loan, and nobody else's.
    pub(super) fn new(loan: Arc<Loan<T>>, range: Range<usize>) -> Self {
        let first = loan.core.place(range.start);
        Self { loan, range, first, heir: Mutex::new(None) }
    }

    /// Which element of the array is the first one here.
    #[must_use]
    pub fn start(&self) -> usize {
        self.range.start
    }

    pub(super) fn range(&self) -> &Range<usize> {
        &self.range
    }

    /// What a message is to have: the same one for each, so that there is one heir.
    pub(super) fn heir(&self) -> Result<Arc<OwnedFd>> {
        let mut heir = self.heir.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heir) = &*heir {
            return Ok(Arc::clone(heir));
        }
        let new = copies::note(self.loan.core.reopen()?);
        *heir = Some(Arc::clone(&new));
        Ok(new)
    }

    /// How many elements can be seen here.
    #[inline(always)]
    fn visible(&self) -> usize {
        if self.loan.is_here() { self.range.len() } else { 0 }
    }
}

impl<T> Deref for Chunk<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: Invariant 1; nobody has them exclusively while this is borrowed.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.visible()) }
    }
}

impl<T> DerefMut for Chunk<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: Invariant 1, and this is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.visible()) }
    }
}

impl<T> AsRef<[T]> for Chunk<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T> AsMut<[T]> for Chunk<T> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<'a, T> IntoIterator for &'a Chunk<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Chunk<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        let heir = self.heir.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.loan.give_back(&self.range, heir.as_deref());
    }
}

impl<T: fmt::Debug> fmt::Debug for Chunk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("start", &self.start()).field("elements", &&**self).finish()
    }
}
