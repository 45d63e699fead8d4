//! All elements of an array, or many.
//!
//! # Safety
//! Rows are checked against the length before their places are computed, and a vector has as many elements as were copied into it.

#![allow(unsafe_code, reason = "fills memory for elements by pointers")]

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;
use std::vec;

use rustix::io::Errno;

use super::core::Core;
use super::handle::Array;
use crate::memory::Shareable;
use crate::sync::patience::Patience;
use crate::{Error, Result};

fn no_memory() -> Error {
    Error::system("copy an array")(Errno::NOMEM)
}

impl<T> Core<T> {
    /// All elements, bit by bit, if none is lent.
    pub(super) fn copies(&self) -> Result<Vec<MaybeUninit<T>>> {
        let all = 0..self.len();
        let mut elements = Vec::new();
        elements.try_reserve_exact(all.len()).map_err(|_| no_memory())?;
        let copy = || elements.extend(all.clone().map(|index| self.look(index)));
        self.with_all(&all, Patience::None, copy)?;
        Ok(elements)
    }
}

impl<T: Copy> Core<T> {
    fn to_vec(&self, patience: Patience) -> Result<Vec<T>> {
        let mut elements = Vec::<T>::new();
        elements.try_reserve_exact(self.len()).map_err(|_| no_memory())?;
        let room = NonNull::from(elements.spare_capacity_mut()).cast();
        // SAFETY: all elements, and room for as many.
        unsafe { self.read_row(0, room, self.len(), patience) }?;
        // SAFETY: so many have just been copied, and were values at one moment.
        unsafe { elements.set_len(self.len()) };
        Ok(elements)
    }

    /// The numbers of a row, if there is one.
    fn row(&self, at: usize, count: usize) -> Result<Range<usize>> {
        let len = self.len();
        match at.checked_add(count) {
            Some(end) if end <= len => Ok(at..end),
            _ => Err(Error::OutOfBounds { index: at.saturating_add(count).saturating_sub(1), len }),
        }
    }
}

impl<T: Shareable + Copy> Array<T> {
    /// A copy of all elements, as they are at one moment. Waits until all pieces have come back.
    ///
    /// # Errors
    /// [`Error::Lent`] when this process has a piece; [`Error::System`] when there is no memory for it.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.core.to_vec(Patience::Endless)
    }

    /// As [`to_vec`](Array::to_vec), but never waits.
    ///
    /// # Errors
    /// As for `to_vec`; [`Error::Lent`] also when others have pieces.
    pub fn try_to_vec(&self) -> Result<Vec<T>> {
        self.core.to_vec(Patience::None)
    }

    /// An iterator over the elements as they are at this moment. Waits until all pieces have come back.
    ///
    /// # Errors
    /// As for [`to_vec`](Array::to_vec).
    ///
    /// # Examples
    /// ```
    /// let array = offspring::Array::from([1, 2, 3])?;
    /// assert_eq!(array.iter()?.sum::<i32>(), 6);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn iter(&self) -> Result<vec::IntoIter<T>> {
        Ok(self.to_vec()?.into_iter())
    }

    /// Fills `elements` from the element at `at` on, with what is there at one moment. Waits while some of that is in a piece.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] when there are not so many, [`Error::Lent`] when this process has some of them in a piece.
    ///
    /// # Examples
    /// ```
    /// let array = offspring::Array::from([1, 2, 3, 4])?;
    /// let mut two = [0; 2];
    /// array.read(1, &mut two)?;
    /// assert_eq!(two, [2, 3]);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    #[doc(alias = "copy_to")]
    pub fn read(&self, at: usize, elements: &mut [T]) -> Result<()> {
        let row = self.core.row(at, elements.len())?;
        let room = NonNull::from(&mut *elements).cast();
        // SAFETY: `row` has checked it.
        unsafe { self.core.read_row(row.start, room, row.len(), Patience::Endless) }
    }

    /// Replaces the elements from `at` on by these. Waits while some of them are in a piece; nothing is written before all are
    /// there.
    ///
    /// Nobody else changes any element of the array meanwhile; readers may see some of them new and some old.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] when there are not so many, [`Error::Lent`] when this process has some of them in a piece,
    /// [`Error::Lock`] inside of [`update`](Array::update).
    ///
    /// # Fork and death
    /// Killed in the middle, the caller leaves the first of them new and the others old, and each of them whole.
    ///
    /// # Examples
    /// ```
    /// let array = offspring::Array::filled(0, 4)?;
    /// array.write(1, &[7, 8])?;
    /// assert_eq!(array.to_vec()?, [0, 7, 8, 0]);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    #[doc(alias = "copy_from")]
    #[track_caller]
    pub fn write(&self, at: usize, elements: &[T]) -> Result<()> {
        let row = self.core.row(at, elements.len())?;
        let inside = self.core.await_return(self.core.enter()?, &row, Patience::Endless)?;
        inside.put_row(at, elements);
        Ok(())
    }

    /// Replaces all elements by this one. Waits until all pieces have come back.
    ///
    /// # Errors
    /// As for [`write`](Array::write).
    ///
    /// # Fork and death
    /// As for `write`.
    #[track_caller]
    pub fn fill(&self, element: T) -> Result<()> {
        let all = 0..self.len();
        let inside = self.core.await_return(self.core.enter()?, &all, Patience::Endless)?;
        let block = vec![element; Self::BLOCK.min(all.len())];
        for at in all.clone().step_by(Self::BLOCK) {
            inside.put_row(at, &block[..block.len().min(all.end - at)]);
        }
        Ok(())
    }

    /// So many elements are written in one go.
    const BLOCK: usize = super::element::block::<T>();
}
