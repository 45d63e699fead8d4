//! What stands in a record for an item: its own bytes where they are all there is to it, else what the codec makes of it.
//!
//! # Safety
//! A `Raw` record of a queue of `T` holds a number, the elements of a vector of numbers, or the bytes of a string if `T` is such a type.
//! If `T` is any other type, it holds a `T`: only `Queue::reserve` makes such records, and asks for `T: Shareable`. Whoever
//! attaches to a queue attaches to one of the same `T` of the same build (`memory::segment`). Where that is not so, in a queue that
//! has a name and so is for other programs, whose `T` only bears the same name, there are no such records: `reserve` makes none, and
//! `Taker` takes none.

#![allow(unsafe_code, reason = "a number is bytes, and bytes are a number")]

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::mem;
use std::os::fd::OwnedFd;
use std::slice;
use std::sync::Arc;

use super::fault::{Fault, Where};
use super::memory::Span;
use super::parcel;
use super::record::Kind;
use crate::Result;
use crate::wire::bulk::{self, for_numbers, is_number, same};
use crate::wire::{Message, single};

/// What an error calls an item.
const NAME: &str = "item";
/// Larger values are not written here first, but straight to where they belong.
const SMALL: usize = 64 << 10;

thread_local! {
    /// Memory for the next small value.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An item on its way out that is not its own bytes.
#[derive(Debug)]
pub(crate) enum Outgoing<'a, T> {
    /// What the codec has made of it.
    Encoded { bytes: Vec<u8>, kind: Kind, parcel: Vec<Arc<OwnedFd>> },
    /// What the codec will make of it, and the list of its descriptors in front of that.
    Large { item: &'a T, len: usize, list: Vec<u8>, parcel: Vec<Arc<OwnedFd>> },
}

impl<'a, T: Message> Outgoing<'a, T> {
    /// # Errors
    /// [`Error::Encode`](crate::Error::Encode) when the item cannot be sent.
    pub(crate) fn of(item: &'a T) -> Result<Self> {
        let (mut bytes, mut parcel) = (SCRATCH.take(), Vec::new());
        bytes.clear();
        if !single::encode(item, NAME, &mut bytes, SMALL, &mut parcel)? {
            SCRATCH.set(bytes);
            return Self::of_large(item);
        }
        let kind = if parcel.is_empty() { Kind::Encoded } else { Kind::Parcel };
        if !parcel.is_empty() {
            let mut list = Vec::new();
            parcel::write_list(&parcel, &mut list)?;
            bytes.splice(0..0, list);
        }
        Ok(Self::Encoded { bytes, kind, parcel })
    }

    #[cold]
    fn of_large(item: &'a T) -> Result<Self> {
        let (mut list, mut parcel) = (Vec::new(), Vec::new());
        let len = single::encoded_len(item, NAME, &mut parcel)?;
        if !parcel.is_empty() {
            parcel::write_list(&parcel, &mut list)?;
        }
        Ok(Self::Large { item, len, list, parcel })
    }

    /// If there is nothing to it but bytes.
    pub(crate) fn as_bytes(&self) -> Option<(&[u8], Kind)> {
        match self {
            Self::Encoded { bytes, kind: Kind::Encoded, .. } => Some((bytes, Kind::Encoded)),
            _ => None,
        }
    }

    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Encoded { bytes, .. } => bytes.len(),
            Self::Large { len, list, .. } => list.len() + len,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Encoded { kind, .. } => *kind,
            Self::Large { list, .. } if list.is_empty() => Kind::Encoded,
            Self::Large { .. } => Kind::Parcel,
        }
    }

    /// Writes it to where it belongs, which has room for exactly as many bytes.
    pub(crate) fn write(&self, span: Span) -> Result<(), Fault> {
        match self {
            Self::Encoded { bytes, .. } => span.fill(bytes),
            Self::Large { item, list, .. } => {
                let (head, body) = span.split_at(list.len());
                head.fill(list);
                write_large(*item, body)?;
            }
        }
        Ok(())
    }
}

impl<T> Outgoing<'_, T> {
    /// What must stay open until the item has been taken.
    pub(crate) fn take_parcel(&mut self) -> Vec<Arc<OwnedFd>> {
        let (Self::Encoded { parcel, .. } | Self::Large { parcel, .. }) = self;
        mem::take(parcel)
    }
}

impl<T> Drop for Outgoing<'_, T> {
    fn drop(&mut self) {
        if let Self::Encoded { bytes, .. } = self {
            SCRATCH.set(mem::take(bytes));
        }
    }
}

#[cold]
fn write_large<T: Message>(item: &T, span: Span) -> Result<(), Fault> {
    let mut left = span;
    let written = single::encode_in_pieces(item, NAME, |piece| {
        let fits = piece.len() <= left.len();
        if fits {
            let (now, later) = left.split_at(piece.len());
            now.fill(piece);
            left = later;
        }
        fits
    });
    if written.is_ok() && left.len() == 0 { Ok(()) } else { Err(Fault::Unsteady) }
}

/// Whether items of the type stand in records as they are.
#[inline(always)]
pub(crate) fn is_raw<T: 'static>() -> bool {
    macro_rules! any_vector {
        ($($number:ty)*) => { $(TypeId::of::<T>() == TypeId::of::<Vec<$number>>())||* };
    }
    is_number::<T>() || TypeId::of::<T>() == TypeId::of::<String>() || for_numbers!(any_vector)
}

/// The bytes of an item that is nothing else.
#[inline(always)]
pub(crate) fn raw<T: 'static>(item: &T) -> Option<&[u8]> {
    if is_number::<T>() {
        // SAFETY: a number: initialised bytes without padding.
        return Some(unsafe { slice::from_raw_parts((&raw const *item).cast(), size_of::<T>()) });
    }
    let any: &dyn Any = item;
    if let Some(text) = any.downcast_ref::<String>() {
        return Some(text.as_bytes());
    }
    bulk::view(item).map(|(_, bytes)| bytes)
}

/// The item in a `Raw` record.
#[inline(always)]
pub(crate) fn take_raw<T: 'static>(span: Span) -> Result<T, Fault> {
    if TypeId::of::<T>() == TypeId::of::<String>() {
        let text = String::from_utf8(take_elements::<u8>(span)?)
            .map_err(|_| Fault::Garbled(Where::Text))?;
        return same(text).ok_or(Fault::Garbled(Where::Text));
    }
    macro_rules! try_each {
        ($($number:ty)*) => {$(
            if TypeId::of::<T>() == TypeId::of::<Vec<$number>>() {
                return same(take_elements::<$number>(span)?).ok_or(Fault::Garbled(Where::Length));
            }
        )*};
    }
    for_numbers!(try_each);
    if span.len() != size_of::<T>() {
        return Err(Fault::Garbled(Where::Length));
    }
    // SAFETY: a `T` (see the module), or a copy of one, which need not be aligned.
    Ok(unsafe { span.start().cast::<T>().read_unaligned() })
}

fn take_elements<N: Copy + 'static>(span: Span) -> Result<Vec<N>, Fault> {
    if !span.len().is_multiple_of(size_of::<N>()) {
        return Err(Fault::Garbled(Where::Length));
    }
    let count = span.len() / size_of::<N>();
    let mut elements = Vec::<N>::new();
    elements.try_reserve_exact(count).map_err(|_| Fault::no_memory())?;
    span.copy_to(elements.spare_capacity_mut());
    // SAFETY: so many have just been written, and all bit patterns are numbers.
    unsafe { elements.set_len(count) };
    Ok(elements)
}

/// An item on its way in: a copy of its record, and its handles.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    kind: Kind,
    /// Where the item begins in that.
    start: usize,
    parcel: Vec<OwnedFd>,
}

impl Incoming {
    /// Copies it, and fetches its handles, which are not kept for longer than the record is.
    ///
    /// The inner error says that a handle cannot be had, and never will; the outer one leaves the item where it is.
    #[inline(never)]
    pub(crate) fn copy(span: Span, kind: Kind) -> Result<Result<Self>, Fault> {
        let mut bytes = SCRATCH.take();
        bytes.clear();
        span.append_to(&mut bytes).map_err(|_| Fault::no_memory())?;
        Ok(Self::new(bytes, kind))
    }

    /// Of a copy that was made; fetches its handles.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when a handle cannot be had.
    pub(crate) fn new(bytes: Vec<u8>, kind: Kind) -> Result<Self> {
        let (parcel, rest) = match kind {
            Kind::Parcel => parcel::read_list(&bytes)?,
            _ => (Vec::new(), &*bytes),
        };
        let start = bytes.len() - rest.len();
        Ok(Self { bytes, kind, start, parcel })
    }

    /// The item.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when the bytes are not such an item.
    pub(crate) fn decode<T: Message>(self) -> Result<T> {
        let item = match self.kind {
            Kind::Raw if is_raw::<T>() => take_raw(Span::over(&self.bytes)).map_err(Into::into),
            // Nothing is made in place where items are copied first.
            Kind::Raw => Err(Fault::Garbled(Where::Beginning).into()),
            _ => single::decode(&self.bytes[self.start..], self.parcel, NAME),
        };
        // Large ones are rare, and their memory is better used elsewhere.
        if self.bytes.capacity() <= 2 * SMALL {
            SCRATCH.set(self.bytes);
        }
        item
    }
}
