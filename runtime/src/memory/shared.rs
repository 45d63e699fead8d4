//! `Shared<T>`: what `Arc<T>` is between threads, between processes.
//!
//! # Safety
//! Invariant 1: `value` points into `segment`'s payload at a valid `T`, written by `new` or `from_fn` here or in the
//! process that made it, of the same build and the same layout (checked on attach; `segment` says what stands for the build
//! where another program may have made it). It stays
//! valid while the segment is mapped, and every `Shared` holds the segment. Nobody ever has a `&mut T`.

#![allow(unsafe_code, reason = "references into mapped memory")]

use std::any::type_name;
use std::fmt;
use std::mem::needs_drop;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::layout::Hasher;
use super::segment::{Segment, Shape};
use super::shareable::Shareable;
use crate::Result;
use crate::sys::memfd;

/// A value in shared memory, and a handle to it that other processes can be given.
///
/// It is to processes what [`Arc`] is to threads: clones are cheap and see the same value, it gives `&T`, and change
/// goes through atomics and the types of [`sync`](crate::sync) inside. A task that gets one as an argument sees the same
/// memory; a process can touch only what it was handed. The memory is anonymous: the kernel frees it with its last
/// holder, however that one ended.
///
/// # Fork and death
/// A process that dies takes nothing away from the others: values stay as they were at that instant. What it was
/// changing step by step belongs under a [`Mutex`](crate::sync::Mutex), which tells the next holder.
///
/// # Examples
/// ```
/// use offspring::Shared;
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// let hits = Shared::new(AtomicU64::new(0))?;
/// let same = hits.clone();
/// same.fetch_add(1, Relaxed);
/// assert_eq!(hits.load(Relaxed), 1);
///
/// let squares = Shared::from_fn(4, |i| i * i)?;
/// assert_eq!(squares[..], [0, 1, 4, 9]);
/// # Ok::<(), offspring::Error>(())
/// ```
pub struct Shared<T: ?Sized> {
    segment: Arc<Segment>,
    value: NonNull<T>,
}

// SAFETY: like `Arc`: handles in several threads give `&T` in each (T: Sync), and any thread may be the one that was
// given the value for good (T: Send). There is no drop of T.
unsafe impl<T: ?Sized + Sync + Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync + Send> Sync for Shared<T> {}

impl<T: Shareable> Shared<T> {
    const SHAPE: fn() -> Shape = || Shape {
        name: type_name::<T>(),
        layout: Hasher::start("value").word(T::LAYOUT).identity::<T>().finish(),
        abroad: Hasher::start("value").word(T::LAYOUT).text(type_name::<T>()).finish(),
        size: size_of::<T>(),
        align: align_of::<T>(),
        front: 0,
    };

    /// Puts `value` into shared memory.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left; never a signal later.
    pub fn new(value: T) -> Result<Self> {
        Self::with_room(value, 0)
    }

    /// As [`new`](Self::new), with so many bytes of the object left behind the value, neither mapped nor reserved.
    pub(crate) fn with_room(value: T, room: u64) -> Result<Self> {
        const {
            assert!(!needs_drop::<T>(), "a type with a destructor cannot live in shared memory");
            // Here already, so that what is refused is refused at the caller's line.
            _ = T::LAYOUT;
        };
        let segment = Segment::create_with_room(&Self::SHAPE(), 1, room)?;
        let shared = Self::over(segment);
        // SAFETY: the payload is as large and as aligned as T (Invariant 1 of `segment`), and nobody else knows it.
        unsafe { shared.value.write(value) };
        Ok(shared)
    }

    /// The value behind a descriptor that another process handed over.
    pub(crate) fn from_descriptor(fd: OwnedFd) -> Result<Self> {
        let shape = Self::SHAPE();
        let segment = Segment::attach(fd, &shape)?;
        if segment.count() != 1 {
            let reason = format!("it holds {} values", segment.count());
            return Err(crate::Error::Layout { expected: shape.name, reason });
        }
        Ok(Self::over(segment))
    }

    fn over(segment: Segment) -> Self {
        let value = segment.payload().cast();
        Self { segment: Arc::new(segment), value }
    }
}

impl<T: Shareable> Shared<[T]> {
    const SHAPE: fn() -> Shape = || Shape {
        name: type_name::<[T]>(),
        layout: Hasher::start("slice").word(T::LAYOUT).identity::<T>().finish(),
        abroad: Hasher::start("slice").word(T::LAYOUT).text(type_name::<T>()).finish(),
        size: size_of::<T>(),
        align: align_of::<T>(),
        front: 0,
    };

    /// Puts `count` values into shared memory side by side: what `make` returns for 0, 1, 2, and so on.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left; never a signal later.
    ///
    /// # Panics
    /// When `make` does; the memory is given back.
    pub fn from_fn(count: usize, mut make: impl FnMut(usize) -> T) -> Result<Self> {
        const {
            assert!(!needs_drop::<T>(), "a type with a destructor cannot live in shared memory");
            // Here already, so that what is refused is refused at the caller's line.
            _ = T::LAYOUT;
        };
        let segment = Segment::create(&Self::SHAPE(), count)?;
        let first = segment.payload().cast::<T>();
        for index in 0..count {
            let value = make(index);
            // SAFETY: index < count, and the payload holds `count` elements (Invariant 1 of `segment`).
            let place = unsafe { first.add(index) };
            // SAFETY: as above; aligned as T, and nobody else knows it.
            unsafe { place.write(value) };
        }
        Ok(Self::over(segment))
    }

    /// The values behind a descriptor that another process handed over.
    pub(crate) fn from_descriptor(fd: OwnedFd) -> Result<Self> {
        Ok(Self::over(Segment::attach(fd, &Self::SHAPE())?))
    }

    fn over(segment: Segment) -> Self {
        let value = NonNull::slice_from_raw_parts(segment.payload().cast(), segment.count());
        Self { segment: Arc::new(segment), value }
    }
}

impl<T: ?Sized> Shared<T> {
    /// Whether two handles lead to the same value, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        if ptr::addr_eq(self.value.as_ptr(), other.value.as_ptr()) {
            return true;
        }
        let [one, two] =
            [self, other].map(|handle| memfd::identity(handle.descriptor().as_fd()).ok());
        one.is_some() && one == two
    }

    /// Whether it was made to be found by a name.
    pub(crate) fn is_named(&self) -> bool {
        self.segment.is_named()
    }

    /// What to hand to another process; closed when it executes another program.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        self.segment.descriptor()
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { segment: Arc::clone(&self.segment), value: self.value }
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: Invariant 1.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
