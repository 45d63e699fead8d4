//! `Seq<T, N>`: a vector with room for N items, all of them in place.
//!
//! An item is there before the length tells of it, and the length forgets items before they are moved. So whoever
//! is killed inside an operation leaves a row of whole items: that of before or of after, or, where items must move, the
//! first of them. A length beyond the room counts as the room.
//!
//! # Safety
//! Invariant 1: the first `len` items are valid. Each operation shortens `len` to what stays where it is, moves
//! what must move, and then lengthens it, in this order also for a process that is killed in between
//! ([`Seq::set_len`]).

#![allow(unsafe_code, reason = "items that are there or not")]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher as StdHasher};
use std::hint::black_box;
use std::mem::{MaybeUninit, needs_drop};
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::slice;

use super::full::Full;
use super::layout::Hasher;
use super::shareable::Shareable;

/// A vector of at most `N` items that may live in shared memory, where a `Vec` may not.
///
/// It derefs to `[T]`. What it has no room for is refused and comes back. Items are plain data: a type with a
/// destructor is refused when the program is compiled.
///
/// # Fork and death
/// A process that is killed inside `push`, `pop`, `truncate` or `clear` leaves the row as it was before or as it is
/// after; inside `extend`, with some of the new items; inside `insert`, `remove` or `swap_remove`, without the items
/// that were being moved. An item is never half there. What is written to memory before one of these operations is there before
/// it, and what comes after it, after it: so a `Seq` beside other data can be the journal of their changes.
///
/// # Examples
/// ```
/// use offspring::sync::Mutex;
/// use offspring::{Full, Seq, Shared};
///
/// let queue = Shared::new(Mutex::new(Seq::<u32, 3>::new()))?;
/// let mut row = queue.lock()?;
/// row.extend([3, 1, 2])?;
/// row.sort();
/// assert_eq!(*row, [1, 2, 3]);
/// assert_eq!(row.push(4), Err(Full(4)));
/// assert_eq!(row.remove(0), 1);
/// # drop(row);
/// # Ok::<(), offspring::Error>(())
/// ```
#[repr(C)]
pub struct Seq<T, const N: usize> {
    len: usize,
    items: [MaybeUninit<T>; N],
}

// SAFETY: a number and values of T, which is Shareable.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable, const N: usize> Shareable for Seq<T, N> {
    const LAYOUT: u64 = Hasher::start("Seq").of::<Self>().word(N as u64).word(T::LAYOUT).finish();
    const LOCKS: bool = T::LOCKS;
}

impl<T, const N: usize> Seq<T, N> {
    /// No items yet.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(!needs_drop::<T>(), "a type with a destructor cannot stand in a `Seq`") };
        Self { len: 0, items: [const { MaybeUninit::uninit() }; N] }
    }

    /// As many of these items as there are, if there is room for all of them.
    ///
    /// # Errors
    /// [`Full`] with the first item that does not fit.
    pub fn try_from_iter(items: impl IntoIterator<Item = T>) -> Result<Self, Full<T>> {
        let mut all = Self::new();
        all.extend(items)?;
        Ok(all)
    }

    /// How many items there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The items.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: Invariant 1; `[MaybeUninit<T>]` and `[T]` have one layout.
        unsafe { slice::from_raw_parts(self.items.as_ptr().cast(), self.count()) }
    }

    /// The items, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.items.as_mut_ptr().cast(), self.count()) }
    }

    /// Appends an item.
    ///
    /// # Errors
    /// [`Full`] with the item when there is no room for it.
    #[doc(alias = "append")]
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        let len = self.count();
        let Some(place) = self.items.get_mut(len) else { return Err(Full(item)) };
        place.write(item);
        self.set_len(len + 1);
        Ok(())
    }

    /// Appends items until one does not fit.
    ///
    /// # Errors
    /// [`Full`] with the first item that does not fit; those before it are there.
    pub fn extend(&mut self, items: impl IntoIterator<Item = T>) -> Result<(), Full<T>> {
        items.into_iter().try_for_each(|item| self.push(item))
    }

    /// Takes the last item.
    pub fn pop(&mut self) -> Option<T> {
        let last = self.count().checked_sub(1)?;
        self.set_len(last);
        // SAFETY: valid until now (Invariant 1), and nobody's any more.
        Some(unsafe { self.items[last].assume_init_read() })
    }

    /// Puts an item before the one at `index`, or at the end.
    ///
    /// # Errors
    /// [`Full`] with the item when there is no room for it.
    ///
    /// # Panics
    /// When there are fewer than `index` items, as `Vec::insert` does.
    pub fn insert(&mut self, index: usize, item: T) -> Result<(), Full<T>> {
        let len = self.count();
        assert!(index <= len, "cannot insert at {index} in a row of {len}");
        if len == N {
            return Err(Full(item));
        }
        self.set_len(index);
        self.shift(index, index + 1, len - index);
        self.items[index].write(item);
        self.set_len(len + 1);
        Ok(())
    }

    /// Takes the item at `index`; those after it move up.
    ///
    /// # Panics
    /// When there is no such item, as `Vec::remove` does.
    pub fn remove(&mut self, index: usize) -> T {
        let len = self.count();
        assert!(index < len, "cannot remove item {index} of a row of {len}");
        self.set_len(index);
        // SAFETY: valid until now (Invariant 1), and nobody's any more.
        let item = unsafe { self.items[index].assume_init_read() };
        self.shift(index + 1, index, len - index - 1);
        self.set_len(len - 1);
        item
    }

    /// Takes the item at `index`; the last one takes its place.
    ///
    /// # Panics
    /// When there is no such item, as `Vec::swap_remove` does.
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.count();
        assert!(index < len, "cannot remove item {index} of a row of {len}");
        self.set_len(index);
        // SAFETY: valid until now (Invariant 1), and nobody's any more.
        let item = unsafe { self.items[index].assume_init_read() };
        self.shift(len - 1, index, 1);
        self.set_len(len - 1);
        item
    }

    /// Keeps the first `len` items; a shorter row stays as it is.
    pub fn truncate(&mut self, len: usize) {
        self.set_len(self.count().min(len));
    }

    /// Takes all items away.
    pub fn clear(&mut self) {
        self.set_len(0);
    }

    /// How many items there are, whatever the memory says.
    fn count(&self) -> usize {
        self.len.min(N)
    }

    /// Says how many items are valid.
    ///
    /// The compiler must let no write pass from one side to the other: nobody looks now, but somebody does if this
    /// process is killed right here.
    fn set_len(&mut self, len: usize) {
        black_box(&mut *self).len = len;
        black_box(self);
    }

    /// Moves `count` places from one index to another; the caller has made sure that no item there counts.
    fn shift(&mut self, from: usize, to: usize, count: usize) {
        assert!(from + count <= N && to + count <= N);
        let first = self.items.as_mut_ptr();
        // SAFETY: inside the array, or one past its end for no places.
        let source = unsafe { first.add(from) };
        // SAFETY: as above.
        let target = unsafe { first.add(to) };
        // SAFETY: both lie inside the array; places that hold nothing may be copied, too.
        unsafe { ptr::copy(source, target, count) };
    }
}

impl<T, const N: usize> Deref for Seq<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T, const N: usize> DerefMut for Seq<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T: Clone, const N: usize> Clone for Seq<T, N> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        for (place, item) in copy.items.iter_mut().zip(self.iter()) {
            place.write(item.clone());
            copy.len += 1;
        }
        copy
    }
}

impl<T: Copy, const N: usize> Copy for Seq<T, N> {}

impl<T, const N: usize> Default for Seq<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, const M: usize> TryFrom<[T; M]> for Seq<T, N> {
    type Error = Full<T>;

    fn try_from(items: [T; M]) -> Result<Self, Full<T>> {
        Self::try_from_iter(items)
    }
}

impl<T: Clone, const N: usize> TryFrom<&[T]> for Seq<T, N> {
    type Error = Full<T>;

    fn try_from(items: &[T]) -> Result<Self, Full<T>> {
        Self::try_from_iter(items.iter().cloned())
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a Seq<T, N> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a mut Seq<T, N> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T, const N: usize> AsRef<[T]> for Seq<T, N> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize> Borrow<[T]> for Seq<T, N> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Seq<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: PartialEq, const N: usize, const M: usize> PartialEq<Seq<T, M>> for Seq<T, N> {
    fn eq(&self, other: &Seq<T, M>) -> bool {
        **self == **other
    }
}

impl<T: PartialEq, const N: usize, const M: usize> PartialEq<[T; M]> for Seq<T, N> {
    fn eq(&self, other: &[T; M]) -> bool {
        **self == *other
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T]> for Seq<T, N> {
    fn eq(&self, other: &[T]) -> bool {
        **self == *other
    }
}

impl<T: PartialEq, const N: usize> PartialEq<&[T]> for Seq<T, N> {
    fn eq(&self, other: &&[T]) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Seq<T, N> {}

impl<T: PartialOrd, const N: usize> PartialOrd for Seq<T, N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (**self).partial_cmp(other)
    }
}

impl<T: Ord, const N: usize> Ord for Seq<T, N> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(other)
    }
}

impl<T: Hash, const N: usize> Hash for Seq<T, N> {
    fn hash<H: StdHasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
