//! Numbers by the million: vectors and slices of plain numbers are copied, not encoded one by one.
//!
//! # Safety
//! Reinterprets slices of primitive numbers as bytes and back: they have no padding, and every bit
//! pattern is valid for them.
#![allow(unsafe_code, reason = "a slice of numbers is a slice of bytes")]

use std::any::{Any, TypeId};
use std::mem::MaybeUninit;

use super::spill::Rest;
use crate::{Error, Result};

/// Calls `$do` for each number type of which a vector may be copied.
macro_rules! for_numbers {
    ($do:ident) => {
        $do!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64)
    };
}
pub(crate) use for_numbers;

/// The numbers of a vector as bytes, and how many numbers they are; nothing if `value` is something else.
pub(crate) fn view<T: 'static>(value: &T) -> Option<(u64, &[u8])> {
    let value: &dyn Any = value;
    macro_rules! try_each {
        ($($number:ty)*) => {
            $(if let Some(vector) = value.downcast_ref::<Vec<$number>>() {
                return view_slice(vector.as_slice());
            })*
        };
    }
    for_numbers!(try_each);
    None
}

fn view_slice<T: 'static>(values: &[T]) -> Option<(u64, &[u8])> {
    if !is_number::<T>() {
        return None;
    }
    // SAFETY: the elements are primitive numbers: initialised bytes without padding.
    let raw = unsafe {
        std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), std::mem::size_of_val(values))
    };
    Some((values.len() as u64, raw))
}

/// Appends `value` if it is a vector of numbers.
pub(super) fn put<T: 'static>(value: &T, bytes: &mut Vec<u8>) -> bool {
    append(view(value), bytes)
}

/// Appends `values` if they are numbers.
pub(super) fn put_slice<T: 'static>(values: &[T], bytes: &mut Vec<u8>) -> bool {
    append(view_slice(values), bytes)
}

fn append(view: Option<(u64, &[u8])>, bytes: &mut Vec<u8>) -> bool {
    let Some((count, raw)) = view else { return false };
    bytes.extend_from_slice(&count.to_ne_bytes());
    bytes.extend_from_slice(raw);
    true
}

/// If `T` is a vector of numbers: takes one, or nothing when the bytes do not hold it.
pub(super) fn take<T: 'static>(bytes: &mut &[u8]) -> Option<Option<T>> {
    macro_rules! try_each {
        ($($number:ty)*) => {
            $(if TypeId::of::<T>() == TypeId::of::<Vec<$number>>() {
                let taken: Option<Vec<$number>> = take_vec(bytes);
                return Some(taken.and_then(same));
            })*
        };
    }
    for_numbers!(try_each);
    None
}

/// Takes a vector of numbers whose length is checked against the bytes that are there.
pub(super) fn take_vec<N: Copy + 'static>(bytes: &mut &[u8]) -> Option<Vec<N>> {
    if !is_number::<N>() {
        return None;
    }
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let count = usize::try_from(u64::from_ne_bytes(*head)).ok()?;
    let (raw, rest) = rest.split_at_checked(count.checked_mul(size_of::<N>())?)?;
    let mut numbers = Vec::<N>::new();
    numbers.try_reserve_exact(count).ok()?;
    // SAFETY: `raw` has `count * size_of::<N>()` bytes, the vector room for as many, and the two do
    // not overlap; alignment is not needed for a copy by bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(raw.as_ptr(), numbers.as_mut_ptr().cast::<u8>(), raw.len());
    }
    // SAFETY: `count` elements were just written, and every bit pattern is a number.
    unsafe { numbers.set_len(count) };
    *bytes = rest;
    Some(numbers)
}

/// If `T` is a vector of numbers: takes one whose bytes begin in `start` and end in `rest`, or nothing when they are
/// not one.
pub(super) fn take_in_parts<T: 'static>(start: &[u8], rest: &Rest) -> Option<Result<Option<T>>> {
    macro_rules! try_each {
        ($($number:ty)*) => {
            $(if TypeId::of::<T>() == TypeId::of::<Vec<$number>>() {
                let taken: Result<Option<Vec<$number>>> = take_vec_in_parts(start, rest);
                return Some(taken.map(|taken| taken.and_then(same)));
            })*
        };
    }
    for_numbers!(try_each);
    None
}

fn take_vec_in_parts<N: Copy + 'static>(start: &[u8], rest: &Rest) -> Result<Option<Vec<N>>> {
    let Some((head, start)) = start.split_first_chunk::<8>() else { return Ok(None) };
    let bytes = start.len() + rest.len();
    let count = bytes / size_of::<N>();
    if !is_number::<N>()
        || u64::from_ne_bytes(*head) != count as u64
        || count * size_of::<N>() != bytes
    {
        return Ok(None);
    }
    let mut numbers = Vec::<N>::new();
    let no_memory = |_| Error::system("read a message")(rustix::io::Errno::NOMEM);
    numbers.try_reserve_exact(count).map_err(no_memory)?;
    let room = numbers.spare_capacity_mut().as_mut_ptr().cast::<MaybeUninit<u8>>();
    // SAFETY: the vector has room for `count` numbers, which are `bytes` bytes; nobody else has it.
    let room = unsafe { std::slice::from_raw_parts_mut(room, bytes) };
    let (first, second) = room.split_at_mut(start.len());
    for (to, from) in first.iter_mut().zip(start) {
        to.write(*from);
    }
    rest.fill(second)?;
    // SAFETY: both parts of the room were just filled, and every bit pattern is a number.
    unsafe { numbers.set_len(count) };
    Ok(Some(numbers))
}

/// Whether values of the type are plain numbers.
pub(crate) fn is_number<T: 'static>() -> bool {
    macro_rules! any_of {
        ($($number:ty)*) => { $(TypeId::of::<T>() == TypeId::of::<$number>())||* };
    }
    for_numbers!(any_of)
}

/// A value as the type that it is known to have.
pub(crate) fn same<A: 'static, B: 'static>(value: A) -> Option<B> {
    let mut slot = Some(value);
    (&mut slot as &mut dyn Any).downcast_mut::<Option<B>>()?.take()
}
