//! What every block of the heap begins with, whether it is in use or free.
//!
//! | word     | in use | free |
//! | -------- | --- | --- |
//! | `state`  | `USED`, the block's order | `FREE`, its order, `HOLLOW` |
//! | `detail` | how many bytes were asked for, and how many references to objects are in front of them | the next and the previous one of its order |

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The smallest block, and what places are counted in.
pub(crate) const UNIT: usize = 32;
/// Bytes in front of what a block is for.
pub(crate) const HEADER: usize = 16;
/// The order of the smallest block: its size is 2 to this power.
pub(crate) const LEAST: u32 = UNIT.trailing_zeros();

/// A block is in use.
const USED: u64 = 0x5553 << 16;
/// A block is free.
const FREE: u64 = 0x4652 << 16;
/// Not all of a free block may have memory. Its first page has.
pub(crate) const HOLLOW: u64 = 1 << 8;
const ORDER: u64 = 0xff;

/// Where a block is, in units. 0 is the first one, which nothing else leads to: it stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ref(pub(crate) u32);

impl Ref {
    /// The block that every collection's memory begins with.
    pub(crate) const ROOT: Self = Self(0);

    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        match u32::try_from(word) {
            Ok(place) if place != 0 => Some(Self(place)),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        self.0.into()
    }

    /// The other half of the block of twice its size.
    pub(crate) fn buddy(self, order: u32) -> Self {
        Self(self.0 ^ (1 << (order - LEAST)))
    }

    /// The half of the two that comes first.
    pub(crate) fn lower(self, order: u32) -> Self {
        Self(self.0 & !(1 << (order - LEAST)))
    }
}

/// See the module.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) state: AtomicU64,
    pub(crate) detail: AtomicU64,
}

/// What `state` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Used { order: u32 },
    Free { order: u32, hollow: bool },
}

impl State {
    pub(crate) fn word(self) -> u64 {
        match self {
            Self::Used { order } => USED | u64::from(order),
            Self::Free { order, hollow } => {
                FREE | u64::from(order) | if hollow { HOLLOW } else { 0 }
            }
        }
    }
}

impl Block {
    /// `None`: it was overwritten.
    pub(crate) fn state(&self) -> Option<State> {
        let word = self.state.load(Relaxed);
        let order = (word & ORDER) as u32;
        if !(LEAST..=super::buddy::MOST).contains(&order) {
            return None;
        }
        match word & !ORDER {
            USED => Some(State::Used { order }),
            FREE => Some(State::Free { order, hollow: false }),
            word if word == FREE | HOLLOW => Some(State::Free { order, hollow: true }),
            _ => None,
        }
    }

    /// Of a block in use: how many bytes were asked for, and how many references there are.
    #[inline(always)]
    pub(crate) fn lens(&self) -> (usize, usize) {
        let word = self.detail.load(Relaxed);
        ((word >> 16) as usize, (word & 0xffff) as usize)
    }

    pub(crate) fn lens_word(len: usize, refs: usize) -> u64 {
        (len as u64) << 16 | refs as u64
    }

    /// Of a free block: the next and the previous one.
    pub(crate) fn links(&self) -> (Option<Ref>, Option<Ref>) {
        let word = self.detail.load(Relaxed);
        (Ref::from_word(word & u64::from(u32::MAX)), Ref::from_word(word >> 32))
    }

    pub(crate) fn links_word(next: Option<Ref>, previous: Option<Ref>) -> u64 {
        let word = |link: Option<Ref>| link.map_or(0, Ref::word);
        word(next) | word(previous) << 32
    }
}
