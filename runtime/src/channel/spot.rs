//! A place in a queue's memory, in one word, so that moving on is one store.

use super::levels::{self, LEVELS};

/// Items that a queue can hold: counts go round after so many more.
pub(crate) const ITEMS_MAX: u32 = 1 << 27;

const COUNT_BITS: u32 = 28;
const LEVEL_BITS: u32 = 5;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;

const _: () = assert!(LEVELS <= 1 << LEVEL_BITS && ITEMS_MAX < COUNT_MASK);
// Offsets are counted in units of 8 bytes, in what is left of the word.
const _: () = assert!(levels::size(LEVELS - 1) >> 3 <= 1 << (64 - COUNT_BITS - LEVEL_BITS));

/// How many items have come before it, the level, and the offset in that, a multiple of 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) count: u32,
    pub(crate) level: usize,
    pub(crate) offset: usize,
}

impl Spot {
    /// Where a queue begins.
    pub(crate) const START: Self = Self { count: 0, level: 0, offset: 0 };

    #[inline]
    pub(crate) const fn to_word(self) -> u64 {
        let offset = (self.offset >> 3) as u64;
        offset << (COUNT_BITS + LEVEL_BITS) | (self.level as u64) << COUNT_BITS | self.count as u64
    }

    /// Whatever the word is, the spot lies inside of its level; `None` when there is no such level.
    #[inline]
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let level = (word >> COUNT_BITS) as usize & ((1 << LEVEL_BITS) - 1);
        if level >= LEVELS {
            return None;
        }
        let offset = (word >> (COUNT_BITS + LEVEL_BITS) << 3) as usize & (levels::size(level) - 1);
        Some(Self { count: word as u32 & COUNT_MASK, level, offset })
    }

    /// How many items lie between an earlier spot and this one.
    #[inline]
    pub(crate) fn count_since(self, earlier: Self) -> u32 {
        self.count.wrapping_sub(earlier.count) & COUNT_MASK
    }

    /// Whether the item with this number lies before it.
    pub(crate) fn has_passed(self, item: u32) -> bool {
        (1..=ITEMS_MAX).contains(&(self.count.wrapping_sub(item) & COUNT_MASK))
    }

    /// So many items and bytes further; at the end of the level it goes on at the beginning.
    #[inline]
    pub(crate) fn beyond(self, items: u32, bytes: usize) -> Self {
        let count = self.count.wrapping_add(items) & COUNT_MASK;
        let offset = self.offset.wrapping_add(bytes) & (levels::size(self.level) - 1);
        Self { count, level: self.level, offset }
    }

    /// The first byte of a level, with as many items before it.
    #[inline]
    pub(crate) fn start_of(self, level: usize) -> Self {
        Self { count: self.count, level, offset: 0 }
    }
}
