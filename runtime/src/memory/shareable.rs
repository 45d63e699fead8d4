//! Which types may live in shared memory: plain data, valid at any address, with nothing to drop.
//!
//! # Safety
//! Each implementation below is for a type of `core` or `std` that owns no memory, holds no address and has no drop
//! glue; containers ask the same of what they contain. The processes that share a segment run the same build of
//! the same program (its header says so), so that unspecified layouts agree too.

#![allow(
    unsafe_code,
    reason = "implements the unsafe trait Shareable for the types of the standard library"
)]

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Saturating, Wrapping};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use std::time::Duration;

use super::layout::Hasher;

/// A type that may live in memory shared between processes.
///
/// `#[shared]` on a struct or enum implements it, after a look at every field. Numbers, `bool`, `char`, atomics,
/// arrays, tuples and options of such types have it already. A plain field is read-only once shared, as in an
/// `Arc`; change goes through atomics and the types of [`sync`](crate::sync).
///
/// # Safety
/// Values of the type are valid at any address and in any process of this program: no pointers, no references, no
/// memory of their own (`String`, `Vec`, `Box`), no handles of the process (files, threads), and no drop glue.
/// `LAYOUT` differs between types that differ, and `LOCKS` is true for a type that contains a lock.
///
/// # Examples
/// ```
/// use offspring::Shareable;
/// fn may_be_shared<T: Shareable>() {}
/// may_be_shared::<[(u32, Option<f64>); 8]>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory: write `#[shared]` on it if it is a struct or enum of yours, `Text<N>` for a `String`, `Seq<T, N>` for a `Vec`, the type of `offspring::sync` for one of `std::sync`",
    label = "this would be an address of one process, meaningless in the others, or is not known to be plain data",
    note = "shareable are numbers, `bool`, `char`, atomics, arrays, tuples and options of these, `#[shared]` types, `Text`, `Seq`, and the types of `offspring::sync`; a handle, such as `Shared`, is passed beside"
)]
pub unsafe trait Shareable: Send + Sync + 'static {
    /// What this type looks like in memory, as one number; compared when a segment is attached.
    const LAYOUT: u64;

    /// Whether a lock is part of it: then it cannot stand inside another lock, whose holder could move it while it
    /// is held.
    const LOCKS: bool = false;
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        // SAFETY: plain data of `core` or `std` without pointers, memory of its own, or drop glue.
        #[diagnostic::do_not_recommend]
        unsafe impl Shareable for $type {
            const LAYOUT: u64 = Hasher::start(stringify!($type)).of::<Self>().finish();
        }
    )*};
}

plain! {
    () bool char
    i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64
    AtomicBool AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize>
    NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize>
    Duration Ordering std::cmp::Ordering
    Ipv4Addr Ipv6Addr IpAddr SocketAddrV4 SocketAddrV6 SocketAddr
}

macro_rules! wrapper {
    ($($name:literal $type:ty),*) => {$(
        // SAFETY: it holds values of T and nothing else, and T is Shareable.
        #[diagnostic::do_not_recommend]
        unsafe impl<T: Shareable> Shareable for $type {
            const LAYOUT: u64 = Hasher::start($name).of::<Self>().word(T::LAYOUT).finish();
            const LOCKS: bool = T::LOCKS;
        }
    )*};
}

wrapper! {
    "Option" Option<T>, "Wrapping" Wrapping<T>, "Saturating" Saturating<T>, "Reverse" std::cmp::Reverse<T>,
    "Range" Range<T>, "RangeInclusive" RangeInclusive<T>
}

// SAFETY: it holds a value of T or of E and nothing else, and both are Shareable.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable, E: Shareable> Shareable for Result<T, E> {
    const LAYOUT: u64 =
        Hasher::start("Result").of::<Self>().word(T::LAYOUT).word(E::LAYOUT).finish();
    const LOCKS: bool = T::LOCKS || E::LOCKS;
}

// SAFETY: N values of T and nothing else, and T is Shareable.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {
    const LAYOUT: u64 = Hasher::start("array").of::<Self>().word(N as u64).word(T::LAYOUT).finish();
    const LOCKS: bool = T::LOCKS;
}

// SAFETY: it has no bytes at all; the bound keeps it Send, Sync and 'static.
#[diagnostic::do_not_recommend]
unsafe impl<T: ?Sized + Send + Sync + 'static> Shareable for PhantomData<T> {
    const LAYOUT: u64 = Hasher::start("PhantomData").finish();
}

macro_rules! tuple {
    ($($name:ident)+) => {
        // SAFETY: it holds one value of each type and nothing else, and all of them are Shareable.
        #[diagnostic::do_not_recommend]
        unsafe impl<$($name: Shareable),+> Shareable for ($($name,)+) {
            const LAYOUT: u64 = Hasher::start("tuple").of::<Self>()$(.word($name::LAYOUT))+.finish();
            const LOCKS: bool = $($name::LOCKS)||+;
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
