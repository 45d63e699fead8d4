//! Which values stand in shared memory as they are, without a codec, and how they are copied there and back.
//!
//! # Safety
//! Only [`Shareable`] types are said to stand in place: valid at any address, and in any process of this build, which those that lead to
//! the same collection are (its identity says so). A copy is volatile, because others may write there at the same time;
//! whoever may have copied while that happened finds it out by the ledger's sequence, and forgets the copy, which is a
//! `MaybeUninit` until then. (So does crossbeam's `AtomicCell`.)

#![allow(unsafe_code, reason = "copies values to and from shared memory")]

use std::any::TypeId;
use std::collections::HashSet;
use std::mem::{MaybeUninit, needs_drop};
use std::sync::LazyLock;
use std::time::Duration;

use linkme::distributed_slice;

use crate::Shareable;
use crate::wire::bulk;

/// Values larger than this are kept apart, so that the journal need not hold them.
pub(crate) const LARGEST: usize = 256;

/// Types of users that are `Shareable`, as `#[shared]` notes them.
#[distributed_slice]
pub static SHAREABLE: [fn() -> TypeId];

/// Which types are known to be `Shareable`.
///
/// A generic function cannot ask whether its `T` is (that would be specialisation), but it can look its number up.
static KNOWN: LazyLock<HashSet<TypeId>> = LazyLock::new(|| {
    let mut known: HashSet<TypeId> = SHAREABLE.iter().map(|identity| identity()).collect();
    note::<()>(&mut known);
    note::<Duration>(&mut known);
    macro_rules! note_all {
        ($($of:ty)*) => { $(note_with::<$of>(&mut known);)* };
    }
    note_all!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64 bool char);
    known
});

fn note<T: Shareable>(known: &mut HashSet<TypeId>) {
    known.insert(TypeId::of::<T>());
}

/// A type, and what is made of it that serde knows: options, pairs, and arrays.
fn note_with<T: Shareable>(known: &mut HashSet<TypeId>) {
    note::<T>(known);
    note::<Option<T>>(known);
    note::<(T, T)>(known);
    note::<(T, T, T)>(known);
    macro_rules! pairs {
        ($($other:ty)*) => { $(note::<(T, $other)>(known); note::<(T, Option<$other>)>(known);)* };
    }
    pairs!(u8 u16 u32 u64 i32 i64 usize f32 f64 bool char);
    macro_rules! arrays {
        ($($count:literal)*) => { $(note::<[T; $count]>(known);)* };
    }
    arrays!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    note::<[[T; 2]; 2]>(known);
    note::<[[T; 3]; 3]>(known);
    note::<[[T; 4]; 4]>(known);
}

/// Whether values of the type stand in place. Asked once for each handle.
pub(crate) fn is_in_place<T: 'static>() -> bool {
    if needs_drop::<T>() || size_of::<T>() > LARGEST || align_of::<T>() > 16 {
        return false;
    }
    bulk::is_number::<T>() || KNOWN.contains(&TypeId::of::<T>())
}

/// Copies out what may be changing.
///
/// # Safety
/// `from` is aligned, and in mapped memory for all of `T`.
#[inline(always)]
pub(crate) unsafe fn copy_out<T>(from: *const T) -> MaybeUninit<T> {
    // SAFETY: the caller's word for it; any bytes will do.
    unsafe { from.cast::<MaybeUninit<T>>().read_volatile() }
}

/// Copies a value in, over what others may be copying out. What is not larger than its alignment, and that at most 8, takes one store.
///
/// # Safety
/// `to` is aligned, and in mapped memory for all of `T`; no other thread writes there.
#[inline(always)]
pub(crate) unsafe fn copy_in<T>(value: &T, to: *mut T) {
    // SAFETY: a reference to a T is one to as many bytes.
    let bytes = unsafe { std::ptr::from_ref(value).cast::<MaybeUninit<T>>().read() };
    // SAFETY: the caller's word for it.
    unsafe { to.cast::<MaybeUninit<T>>().write_volatile(bytes) };
}

/// Whether [`copy_in`] takes one store: whoever dies or reads meanwhile sees the old value or the new one.
#[inline(always)]
pub(crate) const fn takes_one_store<T>() -> bool {
    size_of::<T>() <= 8 && size_of::<T>() <= align_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[crate::shared]
    #[derive(Clone, Copy)]
    struct Own(u32, f64);

    #[test]
    fn what_may_be_shared_stands_in_place() {
        assert!(
            is_in_place::<u8>()
                && is_in_place::<[u64; 8]>()
                && is_in_place::<(char, bool)>()
                && is_in_place::<Own>()
        );
        assert!(is_in_place::<Option<f64>>() && is_in_place::<(u64, u32)>() && is_in_place::<()>());
        assert!(!is_in_place::<String>() && !is_in_place::<Vec<u8>>() && !is_in_place::<&str>());
        assert!(!is_in_place::<[u64; 64]>(), "too large");
    }
}
