//! Reading and writing elements, each of them all or nothing.
//!
//! Readers look first and ask then whether that was allowed (`core`, rule 3), so that they are in nobody's way; who has
//! looked in vain for some times goes inside. An element that is one word is whole whenever it is read, and written by one
//! store. A longer one is copied to where the next one inside finds it first (`control`).
//!
//! # Safety
//! Indices are below the length, and whoever writes is inside, with the element not lent. What was read is a value if nothing
//! was written meanwhile, or if it is one word (`core`, Invariant 1).

#![allow(unsafe_code, reason = "places of elements in shared memory")]

use std::hint;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::control::Control;
use super::core::{Core, Inside};
use super::words::{self, is_word};
use crate::Result;
use crate::sync::patience::Patience;

/// How often to look at an element that somebody is writing.
const LOOKS: u32 = 100;
/// How often to look at a row of elements, some of which somebody is writing.
const LOOKS_AT_ROW: u32 = 2;

/// How many elements of a row are written in one go: in between, readers come through.
pub(super) const fn block<T>() -> usize {
    let count = 4096 / size_of::<T>();
    if count == 0 { 1 } else { count }
}

/// The value that was found in an element.
pub(super) fn value<T>(found: MaybeUninit<T>) -> T {
    // SAFETY: it was looked at inside.
    unsafe { found.assume_init() }
}

/// The same, to be looked at.
pub(super) fn value_ref<T>(found: &MaybeUninit<T>) -> &T {
    // SAFETY: as above.
    unsafe { found.assume_init_ref() }
}

/// The same, to be changed.
pub(super) fn value_mut<T>(found: &mut MaybeUninit<T>) -> &mut T {
    // SAFETY: as above.
    unsafe { found.assume_init_mut() }
}

impl<T> Core<T> {
    /// What the element is, bit by bit; for one who is inside.
    #[inline]
    pub(super) fn look(&self, index: usize) -> MaybeUninit<T> {
        // SAFETY: the place of an element.
        unsafe { words::load(self.place(index)) }
    }
}

impl<T: Copy> Core<T> {
    /// The element, which is there; waits while it is lent.
    ///
    /// # Errors
    /// As for `with_all`.
    #[inline]
    pub(super) fn get(&self, index: usize, patience: Patience) -> Result<T> {
        let place = self.place(index);
        let look = |control: &Control| {
            if is_word::<T>() {
                let lent = control.unlent()?;
                // SAFETY: the place of an element.
                let value = unsafe { words::load(place) };
                control.is_unlent_since(lent).then_some(value)
            } else {
                let quiet = control.quiet()?;
                // SAFETY: as above.
                let value = unsafe { words::load(place) };
                control.is_unchanged(quiet).then_some(value)
            }
        };
        let value = match look(self.control()) {
            Some(value) => value,
            None => self.get_disturbed(index, patience, look)?,
        };
        // SAFETY: one word, or nothing was written meanwhile; or nobody could.
        Ok(unsafe { value.assume_init() })
    }

    #[cold]
    fn get_disturbed(
        &self,
        index: usize,
        patience: Patience,
        look: impl Fn(&Control) -> Option<MaybeUninit<T>>,
    ) -> Result<MaybeUninit<T>> {
        let control = self.control();
        for _ in 0..LOOKS {
            if control.may_be_lent() {
                break;
            }
            if let Some(value) = look(control) {
                return Ok(value);
            }
            hint::spin_loop();
        }
        self.with_all(&(index..index + 1), patience, || self.look(index))
    }

    /// Copies a row of elements, as they are at one moment, to `to`; waits while some are lent.
    ///
    /// # Errors
    /// As for `with_all`.
    ///
    /// # Safety
    /// `at + count` is at most the length; there is room for `count` elements at `to`.
    pub(super) unsafe fn read_row(
        &self,
        at: usize,
        to: NonNull<T>,
        count: usize,
        patience: Patience,
    ) -> Result<()> {
        let control = self.control();
        // SAFETY: so many elements on both sides, by the caller.
        let copy = || unsafe { words::load_row(self.place(at), to, count) };
        for _ in 0..LOOKS_AT_ROW {
            let Some(quiet) = control.quiet() else { continue };
            copy();
            if control.is_unchanged(quiet) {
                return Ok(());
            }
        }
        self.with_all(&(at..at + count), patience, copy)
    }
}

impl<T> Inside<'_, T> {
    /// Makes it another value.
    #[inline]
    pub(super) fn put(&self, index: usize, value: &MaybeUninit<T>) {
        let control = self.core.control();
        if is_word::<T>() {
            // SAFETY: the place of an element.
            unsafe { words::store(self.core.place(index), value) };
        } else {
            control.begin_change();
            self.put_long(index, value);
        }
        control.end_change();
    }

    /// Makes it another value, of more than one word; readers know.
    #[inline]
    fn put_long(&self, index: usize, value: &MaybeUninit<T>) {
        let (control, old) = (self.core.control(), self.core.look(index));
        // SAFETY: a place for a `T`.
        unsafe { words::store(self.core.room(), &old) };
        control.begin_element(index);
        // SAFETY: the place of an element.
        unsafe { words::store(self.core.place(index), value) };
        control.end_element();
    }
}

impl<T: Copy> Inside<'_, T> {
    /// Makes a row of elements others, one after another.
    pub(super) fn put_row(&self, at: usize, values: &[T]) {
        let control = self.core.control();
        let mut next = at;
        for part in values.chunks(block::<T>()) {
            control.begin_change();
            if is_word::<T>() {
                // SAFETY: as many elements as there are in the part, and there.
                unsafe {
                    words::store_row(self.core.place(next), NonNull::from(part).cast(), part.len());
                };
            } else {
                for (index, value) in (next..).zip(part) {
                    self.put_long(index, &MaybeUninit::new(*value));
                }
            }
            control.end_change();
            next += part.len();
        }
    }
}
