//! An array as one process holds it, and the stay inside of its lock.
//!
//! ```text
//! header | control block | room for one element | element 0 | element 1 | …
//! ```
//! # Why a piece is its holder's alone
//! Who has a piece has a `&mut [T]` of it, so that nobody else may use its elements at all:
//!
//! 1. A piece is a range of numbers that one open file description has from the kernel (`sys::ranges`), which gives it to one at
//!    a time, and takes it back when its last descriptor is closed: a holder that dies, or a piece that is lost on its way, has lent
//!    its elements no longer. Descriptions that have ranges are never mapped, and known to one `Loan` (`lending`) or to one
//!    message.
//! 2. Ranges are taken only inside of the lock. So whoever is inside, and has been told by the kernel that a range is
//!    nobody's, may use its elements until it goes out. Every writer does so, and every reader that finds `lent` set.
//! 3. A reader that does not go inside has found `lent` cleared before it read, and looks again afterwards. `lent` is set, and
//!    counted on, before the kernel is asked for a range. So either nobody had a range while it read, or it finds another number
//!    and forgets the bytes: they never became a value.
//! 4. A piece that was sent is its sender's until the sender has dropped it; only then is the range to be had by the receiver,
//!    whichever descriptors and copies of bytes there are (`travel`).
//! 5. A copy of this process has copies of its descriptors, and of its pieces. In those, nothing is to be seen (`chunk`).
//!
//! # Safety
//! Invariant 1: the segment's front is a `Control`, and behind it room for a `T` that holds one; its elements are values of type
//! `T`, written by whoever made the array, by assignments, or through pieces. They have no locks in them (a lock's holder is led
//! back to it by its address, and must not find it moved) and nothing to drop. Invariant 2: places of elements are read and
//! written by `words` only, inside of the lock or as above, except through pieces.

#![allow(unsafe_code, reason = "references and places in mapped memory")]

use std::any::type_name;
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use super::attached;
use super::control::Control;
use super::lending::Own;
use super::words;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::memory::segment::{Segment, Shape};
use crate::sync::LockError;
use crate::sync::deadlock::{self, Call};
use crate::sync::patience::Patience;
use crate::sync::raw::{Held, Refusal};
use crate::sys::memfd;
use crate::sys::robust::Kind;
use crate::{Error, Result};

/// See the module.
#[derive(Debug)]
pub(crate) struct Core<T> {
    segment: Segment,
    /// What of it this process has for itself.
    pub(super) own: Mutex<Own>,
    elements: PhantomData<T>,
}

// SAFETY: like a `Mutex<[T]>`: whatever thread asks reads and writes elements, one at a time, or has some for itself.
unsafe impl<T: Send> Send for Core<T> {}
// SAFETY: as above; elements that several threads see at once, in a piece, are the piece's business.
unsafe impl<T: Send> Sync for Core<T> {}

impl<T: Shareable> Core<T> {
    fn shape() -> Shape {
        const {
            assert!(!needs_drop::<T>(), "a type with a destructor cannot live in shared memory");
            assert!(size_of::<T>() > 0, "an array of nothing needs no memory to be shared");
            assert!(
                !T::LOCKS,
                "a lock cannot stand in an `Array`, whose elements can be moved: `Shared<[T]>` is for those"
            );
            assert!(align_of::<Control>() == 64, "as a segment's front is");
        };
        Shape {
            name: type_name::<[T]>(),
            layout: Hasher::start("Array").word(T::LAYOUT).identity::<T>().finish(),
            abroad: Hasher::start("Array").word(T::LAYOUT).text(type_name::<T>()).finish(),
            size: size_of::<T>(),
            align: align_of::<T>(),
            front: size_of::<Control>() + size_of::<T>(),
        }
    }

    /// An array of what `make` returns for 0, 1, 2, and so on.
    pub(super) fn from_fn(len: usize, mut make: impl FnMut(usize) -> T) -> Result<Arc<Self>> {
        let segment = Segment::create(&Self::shape(), len)?;
        // SAFETY: Invariant 1 of `segment`: so many bytes, aligned to 64, which nobody else knows.
        unsafe { segment.front().cast::<Control>().write(Control::new()) };
        let core = Self::over(segment);
        for index in 0..len {
            let value = make(index);
            // SAFETY: index < len; nobody else knows the array.
            unsafe { core.place(index).write(value) };
        }
        if len > 0 {
            // SAFETY: there is an element 0.
            let first = unsafe { words::load(core.place(0)) };
            // SAFETY: the room is a place for a `T`. It holds one from now on, whatever anybody makes of it.
            unsafe { words::store(core.room(), &first) };
        }
        attached::enter(Arc::new(core))
    }

    /// The array behind a descriptor, if this process has it already.
    pub(super) fn known(fd: BorrowedFd<'_>) -> Result<Option<Arc<Self>>> {
        Ok(attached::find(attached::identity(fd)?))
    }

    /// The array behind a descriptor that came from somewhere, and has no range.
    pub(super) fn attach(fd: OwnedFd) -> Result<Arc<Self>> {
        if let Some(known) = Self::known(fd.as_fd())? {
            return Ok(known);
        }
        attached::enter(Arc::new(Self::over(Segment::attach(fd, &Self::shape())?)))
    }
}

impl<T> Core<T> {
    fn over(segment: Segment) -> Self {
        Self { segment, own: Mutex::default(), elements: PhantomData }
    }

    /// How many elements there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.segment.count()
    }

    /// What to hand to another process. It has no range, ever.
    #[inline]
    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }

    #[inline(always)]
    pub(super) fn control(&self) -> &Control {
        // SAFETY: Invariant 1; all of it is atomic.
        unsafe { self.segment.front().cast().as_ref() }
    }

    /// Where the element is. Of an index beyond the last one, it is no place.
    #[inline(always)]
    pub(super) fn place(&self, index: usize) -> NonNull<T> {
        debug_assert!(index <= self.len());
        // SAFETY: inside of the payload, or one past its end (Invariant 1 of `segment`).
        unsafe { self.segment.payload().cast::<T>().add(index) }
    }

    /// Where the old value of an element is kept while a new one is written.
    #[inline(always)]
    pub(super) fn room(&self) -> NonNull<T> {
        // SAFETY: behind the control block, as `shape` has it. `Control` is a multiple of 64 bytes; a place of `T` need not be
        // aligned to more than a word to be read and written by words.
        unsafe { self.segment.front().add(size_of::<Control>()) }.cast()
    }

    /// Goes inside; waits until nobody else is.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] when this thread is inside, [`LockError::Cycle`] when it would wait for ever.
    #[inline]
    #[track_caller]
    pub(super) fn enter(&self) -> Result<Inside<'_, T>> {
        let call = Call::of::<Self>();
        match self.control().lock.lock_called(Kind::Guard, Patience::Endless, call) {
            Ok(held) => Ok(self.inside(held)),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Goes inside for a look; `None` says that this thread is there already.
    #[inline]
    pub(super) fn enter_again(&self) -> Option<Inside<'_, T>> {
        let held = self.control().lock.lock(Patience::Endless).ok()?;
        Some(self.inside(held))
    }

    #[inline]
    fn inside(&self, held: Held) -> Inside<'_, T> {
        let inside = Inside { core: self, held, _stays: PhantomData };
        if held.recovered() || self.control().is_unfinished() {
            self.mend();
        }
        inside
    }

    /// Undoes what one has not finished who died inside.
    #[cold]
    fn mend(&self) {
        let control = self.control();
        if let Some(index) = control.interrupted().filter(|index| *index < self.len()) {
            // Nobody has it, unless somebody has overwritten what says so: then the element is not ours to mend.
            if self.is_free(&(index..index + 1)).unwrap_or(false) {
                // SAFETY: the room is a place for a `T`.
                let old = unsafe { words::load(self.room()) };
                // SAFETY: index < len.
                unsafe { words::store(self.place(index), &old) };
            }
        }
        control.end_element();
        control.end_change();
        control.lock.set_doubtful(false);
    }

    /// Another descriptor of the same memory, which can have ranges.
    pub(super) fn reopen(&self) -> Result<OwnedFd> {
        memfd::reopen(self.descriptor().as_fd()).map_err(Error::system("open an array once more"))
    }
}

#[cold]
fn refused(refusal: Refusal) -> Error {
    Error::Lock(match refusal {
        Refusal::Deadlock | Refusal::Busy => LockError::Deadlock,
        Refusal::Cycle => deadlock::found().map_or(LockError::Deadlock, LockError::Cycle),
    })
}

/// This thread is inside of the lock; gone, it is out again.
#[derive(Debug)]
pub(super) struct Inside<'a, T> {
    pub(super) core: &'a Core<T>,
    held: Held,
    /// The lock belongs to this thread.
    _stays: PhantomData<*const ()>,
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.core.control().lock.unlock(self.held);
    }
}
