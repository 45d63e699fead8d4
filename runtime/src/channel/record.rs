//! What stands in front of each item: a word that says that the item is there, and what it is.
//!
//! ```text
//! bit 63 … 48   47 … 40   39 … 0
//! | check     | kind    | length |
//! ```
//! A word of 0 says that nothing has been written here yet. The check follows from the place, so that what some other
//! write has left here is not taken for a record.

use super::levels::{REAL, size};
use super::spot::Spot;

const LENGTH_BITS: u32 = 40;

/// What follows a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The bytes of a value as they stand in memory.
    Raw = 1,
    /// A value as the codec writes it.
    Encoded,
    /// The same, with a list of descriptors in front of it.
    Parcel,
    /// Nothing: the next record is at the beginning of this level.
    Wrap,
    /// Nothing: the next record is at the beginning of the level that the length names.
    Link,
}

impl Kind {
    #[inline(always)]
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Raw,
            2 => Self::Encoded,
            3 => Self::Parcel,
            4 => Self::Wrap,
            5 => Self::Link,
            _ => return None,
        })
    }
}

/// A header that is believed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) len: usize,
}

impl Record {
    /// The word for a record at this spot; its `len` is below 2^40.
    #[inline(always)]
    pub(crate) fn to_word(self, spot: Spot) -> u64 {
        check(spot) << 48 | (self.kind as u64) << LENGTH_BITS | self.len as u64
    }

    /// `None` when a header with this word cannot stand at this spot.
    #[inline(always)]
    pub(crate) fn from_word(word: u64, spot: Spot, align: usize) -> Option<Self> {
        let kind = Kind::from_byte((word >> LENGTH_BITS) as u8)?;
        let len = (word & ((1 << LENGTH_BITS) - 1)) as usize;
        let fits = match kind {
            Kind::Wrap => spot.offset() != 0,
            Kind::Link => len < REAL && len != spot.level(),
            _ => stride(len, align) <= size(spot.level()) - spot.offset(),
        };
        (fits && word >> 48 == check(spot)).then_some(Self { kind, len })
    }
}

/// How many bytes a record takes with its header, which takes as many as the alignment.
#[inline(always)]
pub(crate) const fn stride(len: usize, align: usize) -> usize {
    (align + len + align - 1) & !(align - 1)
}

#[inline(always)]
fn check(spot: Spot) -> u64 {
    (spot.count() & 0xffff) as u64
}
