//! Bytes from shared memory to one's own, and back, by whole words, while others may do the same.
//!
//! A relaxed atomic access of a word is an ordinary one for the processor. It is one instruction, so that a kill leaves the word as
//! before or as after; and the compiler neither splits it nor takes what it has read for unchanging.
//!
//! Long rows are copied by words of eight bytes, whatever the alignment of their elements: two threads may use a byte by words
//! of different widths at a time. The language has no rule for that; for the processor, each of them is whole. Whoever reads so
//! looks afterwards whether somebody wrote, and forgets what it has then (`element`).
//!
//! # Safety
//! Invariant 1: the shared side is mapped, as long as the caller's handle, and aligned to the unit that the caller names; the own
//! side is memory that nobody else writes. Bytes between the fields of a `T` are copied like all others. The compiler may hold
//! that they have no value, and then that nothing has that is copied with them: so it is not told where the words come from
//! (`black_box`).

#![allow(unsafe_code, reason = "copies bytes to and from memory that other processes have as well")]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

/// The widest word.
const WIDE: usize = size_of::<u64>();

/// Whether a `T` is read and written by one instruction.
pub(super) const fn is_word<T>() -> bool {
    size_of::<T>() == align_of::<T>() && size_of::<T>() <= WIDE
}

/// A number that is copied in one go.
trait Unit: Copy {
    /// # Safety
    /// Invariant 1 for the shared side.
    unsafe fn load(from: NonNull<Self>) -> Self;

    /// # Safety
    /// Invariant 1 for the shared side.
    unsafe fn store(self, to: NonNull<Self>);
}

macro_rules! units {
    ($($number:ty, $atomic:ty;)*) => {$(
        impl Unit for $number {
            #[inline(always)]
            unsafe fn load(from: NonNull<Self>) -> Self {
                // SAFETY: mapped and aligned, by the caller; all accesses are atomic while others may write.
                unsafe { <$atomic>::from_ptr(from.as_ptr()) }.load(Relaxed)
            }

            #[inline(always)]
            unsafe fn store(self, to: NonNull<Self>) {
                // SAFETY: as above.
                unsafe { <$atomic>::from_ptr(to.as_ptr()) }.store(self, Relaxed);
            }
        }
    )*};
}

units! { u8, AtomicU8; u16, AtomicU16; u32, AtomicU32; u64, AtomicU64; }

/// The way of a copy.
#[derive(Clone, Copy)]
enum Way {
    /// From shared memory.
    Out,
    /// Into it.
    In,
}

/// Copies `len` bytes, a multiple of the unit.
///
/// # Safety
/// Invariant 1, both sides `len` bytes long.
#[inline(always)]
unsafe fn copy<U: Unit>(way: Way, shared: NonNull<u8>, own: NonNull<u8>, len: usize) {
    let mut at = 0;
    while at < len {
        // SAFETY: at < len.
        let (shared, own) = (unsafe { shared.add(at) }.cast::<U>(), unsafe { own.add(at) }.cast());
        match way {
            Way::Out => {
                // SAFETY: Invariant 1; `at` is a multiple of the unit.
                let unit = unsafe { U::load(shared) };
                // SAFETY: Invariant 1, at any alignment.
                unsafe { own.write_unaligned(unit) };
            }
            Way::In => {
                // SAFETY: Invariant 1, at any alignment.
                let unit = unsafe { own.read_unaligned() };
                // SAFETY: Invariant 1; `at` is a multiple of the unit.
                unsafe { U::store(unit, shared) };
            }
        }
        at += size_of::<U>();
    }
}

/// Copies a row of bytes: by units up to where a wide word can begin, then by wide ones, and by units again.
///
/// # Safety
/// As for `copy`.
#[inline(always)]
unsafe fn copy_row<U: Unit>(way: Way, shared: NonNull<u8>, own: NonNull<u8>, len: usize) {
    let start = shared.addr().get();
    let head = (start.next_multiple_of(WIDE) - start).min(len);
    let middle = (len - head) / WIDE * WIDE;
    // SAFETY: the first `head` bytes.
    unsafe { copy::<U>(way, shared, own, head) };
    // SAFETY: head <= len, on both sides.
    let (shared, own) = (unsafe { shared.add(head) }, unsafe { own.add(head) });
    // SAFETY: the `middle` bytes after those; wide words can begin here.
    unsafe { copy::<u64>(way, shared, own, middle) };
    // SAFETY: head + middle <= len, on both sides.
    let (shared, own) = (unsafe { shared.add(middle) }, unsafe { own.add(middle) });
    // SAFETY: the rest.
    unsafe { copy::<U>(way, shared, own, len - head - middle) };
}

/// Copies `count` elements, the alignment of `T` being what the shared side is aligned to.
///
/// # Safety
/// As for `copy`.
#[inline(always)]
unsafe fn copy_elements<T>(way: Way, shared: NonNull<T>, own: NonNull<T>, count: usize) {
    let (shared, own, len) = (shared.cast(), black_box(own).cast(), count * size_of::<T>());
    match align_of::<T>() {
        // SAFETY: the caller's promises; a unit is as long as the alignment, or a part of it, and divides the size.
        1 => unsafe { copy_row::<u8>(way, shared, own, len) },
        // SAFETY: as above.
        2 => unsafe { copy_row::<u16>(way, shared, own, len) },
        // SAFETY: as above.
        4 => unsafe { copy_row::<u32>(way, shared, own, len) },
        // SAFETY: as above.
        _ => unsafe { copy::<u64>(way, shared, own, len) },
    }
}

/// The bytes that stand there; whether they are a value, others say.
///
/// # Safety
/// `place` is a `T`'s place in shared memory.
#[inline(always)]
pub(super) unsafe fn load<T>(place: NonNull<T>) -> MaybeUninit<T> {
    let mut value = MaybeUninit::uninit();
    let own = NonNull::from(&mut value).cast::<T>();
    // SAFETY: `value` has room for the bytes of a `T`.
    unsafe { load_row(place, own, 1) };
    value
}

/// Puts the bytes of a value there.
///
/// # Safety
/// `place` is a `T`'s place in shared memory.
#[inline(always)]
pub(super) unsafe fn store<T>(place: NonNull<T>, value: &MaybeUninit<T>) {
    // SAFETY: one `T` on both sides; it is only read from `value`.
    unsafe { store_row(place, NonNull::from(value).cast(), 1) };
}

/// Copies a row of elements out of shared memory.
///
/// # Safety
/// `from` has so many places in shared memory, `to` in this process's own.
#[inline]
pub(super) unsafe fn load_row<T>(from: NonNull<T>, to: NonNull<T>, count: usize) {
    // SAFETY: the caller's promises.
    unsafe { copy_elements(Way::Out, from, to, count) };
}

/// Copies a row of elements into shared memory; each that [is a word](is_word) is written as a whole.
///
/// # Safety
/// `to` has so many places in shared memory, and `from` so many elements.
#[inline]
pub(super) unsafe fn store_row<T>(to: NonNull<T>, from: NonNull<T>, count: usize) {
    // SAFETY: the caller's promises.
    unsafe { copy_elements(Way::In, to, from, count) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_come_back<T: Copy + PartialEq + std::fmt::Debug>(make: impl Fn(usize) -> T) {
        let original: Vec<T> = (0..50).map(&make).collect();
        for (start, end) in [(0, 50), (1, 50), (3, 20), (7, 8), (9, 9), (2, 49)] {
            let mut shared = [make(77); 50];
            let mut back = vec![make(99); end - start];
            let place = NonNull::from(&mut shared[start..end]).cast();
            let from = NonNull::from(&original[start..end]).cast();
            // SAFETY: so many elements on both sides.
            unsafe { store_row::<T>(place, from, end - start) };
            // SAFETY: as above.
            unsafe { load_row(place, NonNull::from(&mut *back).cast(), end - start) };
            assert_eq!(back, original[start..end]);
            assert_eq!(shared[start..end], original[start..end]);
            let others = shared[..start].iter().chain(&shared[end..]);
            others.for_each(|it| assert_eq!(*it, make(77)));
        }
    }

    #[test]
    fn rows_of_any_alignment_come_back_and_nothing_else_is_touched() {
        rows_come_back(|i| i as u8);
        rows_come_back(|i| i as u16 * 300);
        rows_come_back(|i| i as f32 / 3.0);
        rows_come_back(|i| i as u64 * 1_000_000_007);
        rows_come_back(|i| [i as u8, 2, 3]);
        rows_come_back(|i| (i as u32, i as u8));
        rows_come_back(|i| [i as u128; 3]);
    }

    #[test]
    fn words_are_what_one_instruction_copies() {
        assert!(is_word::<u8>() && is_word::<f64>() && is_word::<char>() && is_word::<bool>());
        assert!(!is_word::<u128>() && !is_word::<[u8; 4]>() && !is_word::<(u32, u8)>());
    }
}
