//! Values of every kind that a collection can have: in place and encoded, without any bytes and with millions of them.

use std::fmt::Debug;
use std::hash::Hash;

use offspring::{Message, message, shared};

/// A value of some type for each number, another one for another number where there are enough.
pub(crate) trait Sample: Message + Clone + PartialEq + Debug {
    fn make(seed: u64) -> Self;
}

/// A sample that can be a key.
pub(crate) trait Key: Sample + Hash + Eq {}

impl<T: Sample + Hash + Eq> Key for T {}

/// Stands in place, with bytes between its fields that mean nothing.
#[message]
#[shared]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) x: u8,
    pub(crate) y: u64,
    pub(crate) z: u16,
}

/// Eight bytes, aligned to eight, in two fields: it has to be written and read as one nevertheless.
#[message]
#[shared]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C, align(8))]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
}

/// The largest that stands in place, as an item of a list.
pub(crate) type Wide = [u64; 32];

/// Is encoded, and is as long as it says.
#[message]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) to: Option<String>,
    pub(crate) lines: Vec<String>,
    pub(crate) cost: f64,
}

/// Up to a MiB and a little.
#[message]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Large(pub(crate) String);

impl Large {
    pub(crate) fn of(seed: u64, len: usize) -> Self {
        Self(char::from(b'a' + (seed % 26) as u8).to_string().repeat(len))
    }
}

macro_rules! samples {
    ($($of:ty: $make:expr;)*) => {
        $(impl Sample for $of {
            fn make(seed: u64) -> Self {
                let make: fn(u64) -> Self = $make;
                make(seed)
            }
        })*
    };
}

samples! {
    u64: |seed| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u8: |seed| seed as u8;
    (): |_| ();
    u128: |seed| u128::from(seed) << 70 | u128::from(seed);
    (u16, bool): |seed| (seed as u16, seed % 2 == 0);
    [u8; 3]: |seed| [seed as u8, (seed >> 8) as u8, 7];
    [u64; 8]: |seed| std::array::from_fn(|at| seed + at as u64);
    Wide: |seed| std::array::from_fn(|at| seed ^ at as u64);
    Point: |seed| Point { x: seed as u8, y: seed << 20, z: (seed >> 3) as u16 };
    Pair: |seed| Pair { left: seed as u32, right: !seed as u32 };
    String: |seed| format!("{seed} ä").repeat(1 + seed as usize % 7);
    Vec<u32>: |seed| (0..seed as u32 % 100).chain([seed as u32]).collect();
    Large: |seed| Large::of(seed, 200_000 + 300_000 * (seed as usize % 4));
    Letter: |seed| Letter {
        to: (seed % 3 > 0).then(|| String::make(seed)),
        lines: (0..seed % 5).map(String::make).collect(),
        cost: seed as f64 / 8.0,
    };
    Option<(u8, String)>: |seed| (seed % 4 > 0).then(|| (seed as u8, String::make(seed)));
}
