//! A place in a queue's memory, in one word, so that moving on is one store.
//!
//! ```text
//! bit 63 … 33    32 … 28   27 … 0
//! | offset / 8  | level   | count |
//! ```

use super::levels::{self, LEVELS};

/// Items that a queue can hold: counts go round after twice as many.
pub(crate) const ITEMS_MAX: u32 = 1 << 27;

const COUNT_BITS: u32 = 28;
const LEVEL_BITS: u32 = 5;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;

const _: () = assert!(LEVELS == 1 << LEVEL_BITS && ITEMS_MAX < COUNT_MASK);

/// How many items have come before it, the level, and the offset in that. Any word is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot(pub(crate) u64);

impl Spot {
    /// Where a queue begins.
    pub(crate) const START: Self = Self(0);

    #[inline(always)]
    fn new(count: u32, level: usize, offset: usize) -> Self {
        let offset = (offset >> 3) as u64;
        let count = (count & COUNT_MASK) as u64;
        Self(offset << (COUNT_BITS + LEVEL_BITS) | (level as u64) << COUNT_BITS | count)
    }

    /// How many items lie before it, of late.
    #[inline(always)]
    pub(crate) fn count(self) -> u32 {
        self.0 as u32 & COUNT_MASK
    }

    /// Below [`LEVELS`].
    #[inline(always)]
    pub(crate) fn level(self) -> usize {
        (self.0 >> COUNT_BITS) as usize & (LEVELS - 1)
    }

    /// In the level, whatever the word is: a multiple of 8, and smaller than it.
    #[inline(always)]
    pub(crate) fn offset(self) -> usize {
        (self.0 >> (COUNT_BITS + LEVEL_BITS) << 3) as usize & (levels::size(self.level()) - 1)
    }

    /// How many items lie between an earlier spot and this one.
    #[inline(always)]
    pub(crate) fn count_since(self, earlier: Self) -> u32 {
        self.count().wrapping_sub(earlier.count()) & COUNT_MASK
    }

    /// The count when so many more items have come.
    pub(crate) fn count_after(self, items: u32) -> u32 {
        self.count().wrapping_add(items) & COUNT_MASK
    }

    /// How many items lie between the beginning of the item with this number and this spot.
    pub(crate) fn count_since_number(self, item: u32) -> u32 {
        self.count().wrapping_sub(item) & COUNT_MASK
    }

    /// Whether the item with this number lies before it.
    pub(crate) fn has_passed(self, item: u32) -> bool {
        (1..=ITEMS_MAX).contains(&self.count_since_number(item))
    }

    /// So many items and bytes further; at the end of the level it goes on at the beginning.
    #[inline(always)]
    pub(crate) fn beyond(self, items: u32, bytes: usize) -> Self {
        let offset = self.offset().wrapping_add(bytes) & (levels::size(self.level()) - 1);
        Self::new(self.count().wrapping_add(items), self.level(), offset)
    }

    /// The first byte of a level, with as many items before it.
    #[inline(always)]
    pub(crate) fn start_of(self, level: usize) -> Self {
        Self::new(self.count(), level, 0)
    }
}
