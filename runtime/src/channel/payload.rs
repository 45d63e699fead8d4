//! What stands in a record for an item: its own bytes where they are all there is to it, else what the codec makes of it.
//!
//! # Safety
//! A `Raw` record of a queue of `T` holds a number, the elements of a vector of numbers, or the bytes of a string if `T` is such a type.
//! If `T` is any other type, it holds a `T`: only `Queue::reserve` makes such records, and asks for `T: Shareable`. Whoever
//! attaches to a queue attaches to one of the same `T` of the same build (`memory::segment`).

#![allow(unsafe_code, reason = "a number is bytes, and bytes are a number")]

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::mem;
use std::os::fd::OwnedFd;
use std::slice;
use std::sync::Arc;

use rustix::io::Errno;

use super::control::garbled;
use super::memory::Span;
use super::parcel;
use super::record::Kind;
use crate::wire::bulk::{for_numbers, is_number, same};
use crate::wire::{Message, stream};
use crate::{Error, Result};

/// What an error calls an item.
const NAME: &str = "item";
/// Larger values are not written here first, but straight to where they belong.
const SMALL: usize = 64 << 10;

thread_local! {
    /// Memory for the next small value.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An item on its way out.
#[derive(Debug)]
pub(crate) enum Outgoing<'a, T> {
    /// Its own bytes.
    Raw(&'a [u8]),
    /// What the codec has made of it.
    Encoded { bytes: Vec<u8>, parcel: Vec<Arc<OwnedFd>> },
    /// What the codec will make of it, and the list of its descriptors in front of that.
    Large { item: &'a T, len: usize, list: Vec<u8>, parcel: Vec<Arc<OwnedFd>> },
}

impl<'a, T: Message> Outgoing<'a, T> {
    /// # Errors
    /// [`Error::Encode`] when the item cannot be sent.
    #[inline]
    pub(crate) fn of(item: &'a T) -> Result<Self> {
        match raw(item) {
            Some(bytes) => Ok(Self::Raw(bytes)),
            None => Self::encode(item),
        }
    }

    fn encode(item: &'a T) -> Result<Self> {
        let (mut bytes, mut parcel) = (SCRATCH.take(), Vec::new());
        bytes.clear();
        let is_small = stream::encode(item, NAME, &mut bytes, SMALL, &mut parcel)?;
        let mut list = Vec::new();
        if !parcel.is_empty() {
            parcel::write_list(&parcel, &mut list)?;
        }
        if !is_small {
            SCRATCH.set(bytes);
            // Some of its handles may have come after what had room.
            parcel.clear();
            let len = stream::encoded_len(item, NAME, &mut parcel)?;
            list.clear();
            if !parcel.is_empty() {
                parcel::write_list(&parcel, &mut list)?;
            }
            return Ok(Self::Large { item, len, list, parcel });
        }
        if !list.is_empty() {
            bytes.splice(0..0, list);
        }
        Ok(Self::Encoded { bytes, parcel })
    }

    /// How many bytes it takes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Encoded { bytes, .. } => bytes.len(),
            Self::Large { len, list, .. } => list.len() + len,
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Raw(_) => Kind::Raw,
            Self::Encoded { parcel, .. } | Self::Large { parcel, .. } if !parcel.is_empty() => {
                Kind::Parcel
            }
            _ => Kind::Encoded,
        }
    }

    /// Writes it to where it belongs, which has room for exactly as many bytes.
    ///
    /// # Errors
    /// [`Error::Encode`] for a value that is not the same each time that it is encoded.
    #[inline]
    pub(crate) fn write(&self, span: Span) -> Result<()> {
        match self {
            Self::Raw(bytes) => span.fill(bytes),
            Self::Encoded { bytes, .. } => span.fill(bytes),
            Self::Large { item, len, list, .. } => {
                let (head, body) = span.split_at(list.len());
                head.fill(list);
                write_large(*item, body, *len)?;
            }
        }
        Ok(())
    }

    /// What must stay open until the item has been taken.
    #[inline]
    pub(crate) fn take_parcel(&mut self) -> Vec<Arc<OwnedFd>> {
        match self {
            Self::Raw(_) => Vec::new(),
            Self::Encoded { parcel, .. } | Self::Large { parcel, .. } => mem::take(parcel),
        }
    }
}

impl<T> Drop for Outgoing<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Self::Encoded { bytes, .. } = self {
            SCRATCH.set(mem::take(bytes));
        }
    }
}

fn write_large<T: Message>(item: &T, span: Span, len: usize) -> Result<()> {
    let mut left = span;
    stream::encode_in_pieces(item, NAME, |piece| {
        let fits = piece.len() <= left.len();
        if fits {
            let (now, later) = left.split_at(piece.len());
            now.fill(piece);
            left = later;
        }
        fits
    })?;
    if left.len() != 0 {
        let reason = format!("it took {len} bytes, and then {} fewer", left.len());
        return Err(Error::Encode { name: NAME.to_owned(), reason });
    }
    Ok(())
}

/// Whether items of the type stand in records as they are.
#[inline]
pub(crate) fn is_raw<T: 'static>() -> bool {
    macro_rules! any_vector {
        ($($number:ty)*) => { $(TypeId::of::<T>() == TypeId::of::<Vec<$number>>())||* };
    }
    is_number::<T>() || TypeId::of::<T>() == TypeId::of::<String>() || for_numbers!(any_vector)
}

/// The bytes of an item that is nothing else.
#[inline]
fn raw<T: 'static>(item: &T) -> Option<&[u8]> {
    if is_number::<T>() {
        // SAFETY: a number: initialised bytes without padding.
        return Some(unsafe { slice::from_raw_parts((&raw const *item).cast(), size_of::<T>()) });
    }
    let any: &dyn Any = item;
    if let Some(text) = any.downcast_ref::<String>() {
        return Some(text.as_bytes());
    }
    macro_rules! try_each {
        ($($number:ty)*) => {$(
            if let Some(vector) = any.downcast_ref::<Vec<$number>>() {
                // SAFETY: numbers: initialised bytes without padding.
                return Some(unsafe { slice::from_raw_parts(vector.as_ptr().cast(), size_of_val(&**vector)) });
            }
        )*};
    }
    for_numbers!(try_each);
    None
}

/// The item in a `Raw` record.
#[inline]
pub(crate) fn take_raw<T: 'static>(span: Span) -> Result<T> {
    if TypeId::of::<T>() == TypeId::of::<String>() {
        let text = String::from_utf8(take_elements::<u8>(span)?)
            .map_err(|_| garbled("in a text that is none any more"))?;
        return same(text).ok_or_else(|| garbled("in a text"));
    }
    macro_rules! try_each {
        ($($number:ty)*) => {$(
            if TypeId::of::<T>() == TypeId::of::<Vec<$number>>() {
                return same(take_elements::<$number>(span)?).ok_or_else(|| garbled("in a vector"));
            }
        )*};
    }
    for_numbers!(try_each);
    if span.len() != size_of::<T>() {
        return Err(garbled("in the length of an item"));
    }
    // SAFETY: a `T` (see the module), aligned as one (`Core::ALIGN`).
    Ok(unsafe { span.start().cast::<T>().read() })
}

fn take_elements<N: Copy + 'static>(span: Span) -> Result<Vec<N>> {
    if !span.len().is_multiple_of(size_of::<N>()) {
        return Err(garbled("in the length of an item"));
    }
    let count = span.len() / size_of::<N>();
    let mut elements = Vec::<N>::new();
    elements
        .try_reserve_exact(count)
        .map_err(|_| Error::system("take an item out of a queue")(Errno::NOMEM))?;
    span.copy_to(elements.spare_capacity_mut());
    // SAFETY: so many have just been written, and all bit patterns are numbers.
    unsafe { elements.set_len(count) };
    Ok(elements)
}

/// An item on its way in: a copy of its record, and its handles.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Where the item begins in that.
    start: usize,
    parcel: Vec<OwnedFd>,
}

impl Incoming {
    /// Copies it, and fetches its handles, which are not kept for longer than the record is.
    ///
    /// # Errors
    /// [`Error::System`] when there is no memory, [`Error::Decode`] when a handle cannot be had.
    pub(crate) fn copy(span: Span, kind: Kind) -> Result<Self> {
        let mut bytes = SCRATCH.take();
        bytes.clear();
        span.append_to(&mut bytes)
            .map_err(|_| Error::system("take an item out of a queue")(Errno::NOMEM))?;
        let (parcel, rest) = match kind {
            Kind::Parcel => parcel::read_list(&bytes)?,
            _ => (Vec::new(), &*bytes),
        };
        let start = bytes.len() - rest.len();
        Ok(Self { bytes, start, parcel })
    }

    /// The item.
    ///
    /// # Errors
    /// [`Error::Decode`] when the bytes are not such an item.
    pub(crate) fn decode<T: Message>(self) -> Result<T> {
        let item = stream::decode(&self.bytes[self.start..], self.parcel, NAME);
        // Large ones are rare, and their memory is better used elsewhere.
        if self.bytes.capacity() <= 2 * SMALL {
            SCRATCH.set(self.bytes);
        }
        item
    }
}
