//! Items that are read and written where they lie, without a copy: plain data that may live in shared memory, and bytes.
//!
//! # Safety
//! Whoever writes is inside of the gate for putting, and the record is nobody's before it is committed. Whoever reads is inside of the gate
//! for taking, and the record's memory is not given to those who put before that one has left it (`Taker::claim`). A record of
//! kind `Raw` in a queue of `T` holds a `T`, or what stands for one (`payload`).

#![allow(unsafe_code, reason = "references into a queue's memory")]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::error::{GetError, PutError};
use super::fault::Fault;
use super::memory::Span;
use super::payload::is_raw;
use super::putter::{Place, Putter};
use super::queue::Queue;
use super::record::Kind;
use super::refused::Refused;
use super::taker::Taker;
use super::transfer::enter;
use super::users::Side;
use crate::sync::patience::Patience;
use crate::{Error, Shareable};

/// Room for an item in a queue, to be filled in place: from [`Queue::reserve`] and [`Queue::reserve_bytes`].
///
/// Nobody else puts anything while it lives, and its holder had better not use the queue otherwise. Dropped without a [`commit`](Self::commit), it has put nothing.
///
/// # Fork and death
/// Whoever dies with it has put nothing, and the others go on.
pub struct Reserved<'a, T: 'static, V: ?Sized> {
    putter: Putter<'a, T>,
    place: Place,
    value: NonNull<V>,
    _value: PhantomData<&'a mut V>,
}

impl<T, V: ?Sized> Deref for Reserved<'_, T, V> {
    type Target = V;

    fn deref(&self) -> &V {
        // SAFETY: memory of nobody else's (see the module), where all bit patterns are a `V`: bytes, or something uninitialised.
        unsafe { self.value.as_ref() }
    }
}

impl<T, V: ?Sized> DerefMut for Reserved<'_, T, V> {
    fn deref_mut(&mut self) -> &mut V {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

impl<T, V: ?Sized> fmt::Debug for Reserved<'_, T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserved").field("bytes", &self.place.span.len()).finish_non_exhaustive()
    }
}

impl<T, V: ?Sized> Reserved<'_, T, V> {
    fn put(mut self) -> Result<(), PutError<()>> {
        // By this thread itself, since nobody else can while it is here.
        if self.putter.is_closed() {
            return Err(PutError::Closed(()));
        }
        let committed = self.putter.commit(self.place, Kind::Raw);
        committed.map_err(|fault| Refused::from(fault).with(()).into())
    }
}

impl<T> Reserved<'_, T, [u8]> {
    /// Puts the item, with the bytes as they are now.
    ///
    /// # Errors
    /// [`PutError::Closed`] when this thread has closed the queue since then; [`PutError::Failed`] when the queue's memory was
    /// overwritten.
    ///
    /// # Fork and death
    /// The item is there or not, at whatever instruction the caller dies.
    pub fn commit(self) -> Result<(), PutError<()>> {
        self.put()
    }
}

impl<T> Reserved<'_, T, MaybeUninit<T>> {
    /// Puts this value.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    ///
    /// # Fork and death
    /// As for [`commit`](Self::commit).
    pub fn write(mut self, value: T) -> Result<(), PutError<()>> {
        MaybeUninit::write(&mut self, value);
        self.put()
    }

    /// Puts the item, as it has been written.
    ///
    /// # Safety
    /// A valid `T` has been written, as [`MaybeUninit::assume_init`] wants it.
    ///
    /// # Errors
    /// [`PutError::Closed`] when this thread has closed the queue since then; [`PutError::Failed`] when the queue's memory was
    /// overwritten.
    ///
    /// # Fork and death
    /// The item is there or not, at whatever instruction the caller dies.
    pub unsafe fn commit(self) -> Result<(), PutError<()>> {
        self.put()
    }
}

/// Takes the item when it is dropped: it is given to nobody else before that, and its memory not to those who put.
struct Claimed<'a, 'b, T: 'static>(&'b mut Taker<'a, T>);

impl<T> Drop for Claimed<'_, '_, T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<T> Queue<T> {
    /// Room for so many bytes, waiting for it.
    fn reserve_as<V: ?Sized>(
        &self,
        len: usize,
        value: impl Fn(Span) -> NonNull<V>,
    ) -> Result<Reserved<'_, T, V>, PutError<()>> {
        self.core.users.note(Side::Put);
        let mut reserved = None;
        let mut attempt = || {
            let inside = enter(&self.core.control.put.gate, Patience::Endless)?;
            let Some(inside) = inside else { return Ok(false) };
            if self.is_closed() {
                return Err(Fault::Closed);
            }
            let mut putter = self.core.putter(inside);
            let place = match putter.place(len) {
                Ok(place) => place,
                Err(Fault::Full) => return Ok(false),
                Err(fault) => return Err(fault),
            };
            let value = value(place.span);
            reserved = Some(Reserved { putter, place, value, _value: PhantomData });
            Ok(true)
        };
        let done = match attempt() {
            Ok(false) => self.put_waiting(Patience::Endless, attempt),
            Ok(true) => Ok(()),
            Err(fault) => Err(fault),
        };
        done.map_err(|fault| Refused::from(fault).with(()).into())
            .and_then(|()| reserved.ok_or(PutError::Full(())))
    }

    /// Calls `read` with the first item's bytes, waiting until there is one.
    fn read_with<R>(&self, mut read: impl FnMut(Span) -> Result<R, Fault>) -> Result<R, Refused> {
        self.core.users.note(Side::Take);
        let (mut result, mut wrong) = (None, false);
        let mut attempt = || {
            let inside = enter(&self.core.control.take.gate, Patience::Endless)?;
            let Some(inside) = inside else { return Ok(false) };
            let mut taker = self.core.taker(inside);
            let Some(found) = taker.look()? else { return Ok(false) };
            wrong = found.kind != Kind::Raw;
            if !wrong {
                taker.pass(found);
                taker.claim();
                let _claimed = Claimed(&mut taker);
                result = Some(read(found.span)?);
            }
            Ok(true)
        };
        if !(self.core.has_item() && attempt()?) {
            self.get_waiting(Patience::Endless, attempt)?;
        }
        result.ok_or_else(|| {
            let reason = "it was put by value: take it with `get`".to_owned();
            Refused::Failed(Error::Decode { name: type_name::<T>().to_owned(), reason })
        })
    }
}

impl<T: Shareable> Queue<T> {
    /// Room for one item at the end, to be filled in place, waiting until there is some.
    ///
    /// An item put like this can be taken in place ([`get_with`](Self::get_with)), and by value where its type is a message.
    ///
    /// # Errors
    /// As for [`put`](Self::put); and [`PutError::Failed`] for a queue of a [`Manager`](crate::Manager)'s, which other programs may use, where items
    /// are not numbers.
    ///
    /// # Fork and death
    /// Whoever dies before the item is committed has put nothing.
    ///
    /// # Examples
    /// ```
    /// use offspring::Queue;
    ///
    /// let frames = Queue::<[u8; 4096]>::bounded(8)?;
    /// frames.reserve()?.write([7; 4096])?;
    /// let sum = frames.get_with(|frame| frame.iter().map(|byte| u64::from(*byte)).sum::<u64>())?;
    /// assert_eq!(sum, 7 * 4096);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn reserve(&self) -> Result<Reserved<'_, T, MaybeUninit<T>>, PutError<()>> {
        const {
            assert!(!T::LOCKS, "a lock cannot be an item of a queue, which moves");
            // Here already, so that what is refused is refused at the caller's line.
            _ = T::LAYOUT;
        };
        if self.core.is_named() && !is_raw::<T>() {
            let reason = "a queue that has a name takes only numbers in place, because it is for other programs, too: \
                          use `put`";
            let expected = type_name::<T>();
            let error = Error::Layout { expected, reason: reason.to_owned() };
            return Err(PutError::Failed((), error));
        }
        self.reserve_as(size_of::<T>(), |span| span.start().cast())
    }

    /// Takes the first item where it lies, waiting until there is one, and gives it to `read`.
    ///
    /// Nobody else takes anything before `read` returns, or panics: the item has been taken then, too. `read` had better not use
    /// the queue itself.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and [`GetError::Failed`] for an item that was put by value and encoded, which stays there.
    ///
    /// # Fork and death
    /// Whoever dies in `read` has taken the item.
    pub fn get_with<R>(&self, read: impl FnOnce(&T) -> R) -> Result<R, GetError> {
        let mut read = Some(read);
        let result = self.read_with(|span| {
            if span.len() != size_of::<T>() {
                return Err(Fault::Garbled(super::fault::Where::Length));
            }
            // SAFETY: a `T` (see the module), aligned as one (`Core::ALIGN`), and left alone by others until it is left.
            let item = unsafe { span.start().cast::<T>().as_ref() };
            Ok(read.take().map(|read| read(item)))
        });
        result.map_err(GetError::from)?.ok_or(GetError::Closed)
    }
}

impl Queue<Vec<u8>> {
    /// Puts a copy of these bytes at the end, waiting until there is room for it.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    ///
    /// # Fork and death
    /// As for [`put`](Self::put).
    #[inline]
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<(), PutError<()>> {
        let put = self.put_bytes_as(bytes, Kind::Raw, Patience::Endless);
        put.map_err(|fault| Refused::from(fault).with(()).into())
    }

    /// Room for so many bytes at the end, to be filled in place, waiting until there is some. What is in it is anything.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    ///
    /// # Fork and death
    /// Whoever dies before the item is committed has put nothing.
    ///
    /// # Examples
    /// ```
    /// let lines = offspring::Queue::<Vec<u8>>::new()?;
    /// let mut line = lines.reserve_bytes(5)?;
    /// line.copy_from_slice(b"hello");
    /// line.commit()?;
    /// assert_eq!(lines.get_bytes_with(|line| line.to_ascii_uppercase())?, b"HELLO");
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn reserve_bytes(&self, len: usize) -> Result<Reserved<'_, Vec<u8>, [u8]>, PutError<()>> {
        self.reserve_as(len, |span| NonNull::slice_from_raw_parts(span.start(), span.len()))
    }

    /// Takes the first item where it lies, waiting until there is one, and gives its bytes to `read`.
    ///
    /// Nobody else takes anything before `read` returns, or panics: the item has been taken then, too. `read` had better not use
    /// the queue itself.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// # Fork and death
    /// Whoever dies in `read` has taken the item.
    pub fn get_bytes_with<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, GetError> {
        let mut read = Some(read);
        let result = self.read_with(|span| {
            // SAFETY: bytes, left alone by others until they are left (see the module).
            let bytes = unsafe { slice::from_raw_parts(span.start().as_ptr(), span.len()) };
            Ok(read.take().map(|read| read(bytes)))
        });
        result.map_err(GetError::from)?.ok_or(GetError::Closed)
    }
}
