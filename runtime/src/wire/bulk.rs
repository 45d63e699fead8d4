//! Numbers by the million: vectors and slices of plain numbers are copied, not encoded one by one.
//!
//! # Safety
//! Reinterprets slices of primitive numbers as bytes and back: they have no padding, and every bit
//! pattern is valid for them.
#![allow(unsafe_code, reason = "a slice of numbers is a slice of bytes")]

use std::any::{Any, TypeId};

/// Calls `$do` for each number type of which a vector may be copied.
macro_rules! for_numbers {
    ($do:ident) => {
        $do!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64)
    };
}
pub(crate) use for_numbers;

/// Appends `value` if it is a vector of numbers.
pub(super) fn put<T: 'static>(value: &T, bytes: &mut Vec<u8>) -> bool {
    let value: &dyn Any = value;
    macro_rules! try_each {
        ($($number:ty)*) => {
            $(if let Some(vector) = value.downcast_ref::<Vec<$number>>() {
                return put_slice(vector.as_slice(), bytes);
            })*
        };
    }
    for_numbers!(try_each);
    false
}

/// Appends `values` if they are numbers.
pub(super) fn put_slice<T: 'static>(values: &[T], bytes: &mut Vec<u8>) -> bool {
    if !is_number::<T>() {
        return false;
    }
    // SAFETY: the elements are primitive numbers: initialised bytes without padding.
    let raw = unsafe {
        std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), std::mem::size_of_val(values))
    };
    bytes.extend_from_slice(&(values.len() as u64).to_ne_bytes());
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
