//! What all holders of a queue share besides its items.
//!
//! The two sides have lines of cache of their own: who puts writes nothing that who takes looks at, but for the items.
//!
//! # Safety
//! Plain words, lock words, and a type that has no bytes.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::levels::FIRST;
use super::spot::{ITEMS_MAX, Spot};
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sync::gate::Gate;
use crate::sync::raw::RawLock;

/// The side of those who put. All but `gate` is for whoever is inside of it.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Putting {
    /// Whoever waits for an item sleeps at its bell.
    pub(crate) gate: Gate,
    /// Where the next record will be. What a dead one has committed beyond it belongs to the queue, too.
    tail: AtomicU64,
    /// How far the tail may come without a look at where those who take are: see [`Limit`].
    limit: AtomicU64,
    /// How many bytes of the tail's level have memory, unless it is level 0, which has it all; or fewer.
    reserved: AtomicU64,
}

/// How far the tail may come without a look: to an offset in its level, and to a count.
///
/// It was true when it was written, and those who take only make room; but it is true only of this stay of the tail in its level, between
/// two jumps. So it is `NOWHERE` before the tail jumps, until somebody has looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) offset: usize,
    /// Full, when the tail has come to this count; `u32::MAX`: never.
    pub(crate) count: u32,
}

impl Limit {
    pub(crate) const NOWHERE: Self = Self { offset: 0, count: u32::MAX };
}

/// The side of those who take. All but `gate` and `head` is for whoever is inside of it.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Taking {
    /// Whoever waits for room sleeps at its bell.
    pub(crate) gate: Gate,
    /// The first record that was not taken.
    head: AtomicU64,
    /// What `head` is about to become, plus 1: what lies before it has been taken, but may be in use, or is to be given back.
    /// 0: nothing of that kind.
    leaving: AtomicU64,
}

/// See the module.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Control<T> {
    /// The most items that may wait; 0 when there is no such bound. Never changes.
    pub(crate) bound: u32,
    /// Not 0: no item comes any more. Written by one who is inside of both gates.
    closed: AtomicU32,
    /// Not 0: another process has been given a handle.
    handed_on: AtomicU32,
    /// Not 0: levels that are not kept may have memory. Written by one who is inside of the gate for putting.
    large: AtomicU32,
    pub(crate) put: Putting,
    pub(crate) take: Taking,
    /// Of those who wait for an item, one has this, and sleeps at the bell.
    pub(crate) turn_to_take: RawLock,
    /// The same for room.
    pub(crate) turn_to_put: RawLock,
    _items: PhantomData<fn() -> T>,
}

const _: () = assert!(size_of::<Control<()>>() + 4096 <= FIRST);

// SAFETY: see the module.
unsafe impl<T: 'static> Shareable for Control<T> {
    // Which T, is compared by the compiler's own number for the whole type.
    const LAYOUT: u64 = Hasher::start("Queue").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl<T> Control<T> {
    pub(crate) fn new(bound: u32) -> Self {
        let start = Spot::START.0;
        Self {
            bound,
            closed: AtomicU32::new(0),
            handed_on: AtomicU32::new(0),
            large: AtomicU32::new(0),
            put: Putting {
                gate: Gate::new(),
                tail: AtomicU64::new(start),
                limit: AtomicU64::new(0),
                reserved: AtomicU64::new(0),
            },
            take: Taking {
                gate: Gate::new(),
                head: AtomicU64::new(start),
                leaving: AtomicU64::new(0),
            },
            turn_to_take: RawLock::new(),
            turn_to_put: RawLock::new(),
            _items: PhantomData,
        }
    }

    /// The most items that may wait, also in a queue that grows: no more can be counted.
    pub(crate) fn most(&self) -> u32 {
        if self.bound == 0 { ITEMS_MAX } else { self.bound }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Acquire) != 0
    }

    pub(crate) fn set_closed(&self) {
        self.closed.store(1, Release);
    }

    pub(crate) fn was_handed_on(&self) -> bool {
        self.handed_on.load(Relaxed) != 0
    }

    pub(crate) fn hand_on(&self) {
        self.handed_on.store(1, Relaxed);
    }

    pub(crate) fn has_large(&self) -> bool {
        self.large.load(Relaxed) != 0
    }

    pub(crate) fn set_large(&self, large: bool) {
        self.large.store(large.into(), Relaxed);
    }
}

impl Putting {
    #[inline(always)]
    pub(crate) fn tail(&self) -> Spot {
        Spot(self.tail.load(Acquire))
    }

    #[inline(always)]
    pub(crate) fn set_tail(&self, spot: Spot) {
        self.tail.store(spot.0, Release);
    }

    #[inline(always)]
    pub(crate) fn limit(&self) -> Limit {
        let word = self.limit.load(Relaxed);
        Limit { offset: (word >> 32 << 3) as usize, count: word as u32 }
    }

    pub(crate) fn set_limit(&self, limit: Limit) {
        self.limit.store((limit.offset >> 3 << 32) as u64 | limit.count as u64, Release);
    }

    #[inline(always)]
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(Relaxed) as usize
    }

    pub(crate) fn set_reserved(&self, bytes: usize) {
        self.reserved.store(bytes as u64, Relaxed);
    }
}

impl Taking {
    /// Acquire pairs with the Release in `set_head`: what was read before is not overwritten before.
    #[inline(always)]
    pub(crate) fn head(&self) -> Spot {
        Spot(self.head.load(Acquire))
    }

    /// Release: the records before it have been read.
    #[inline(always)]
    pub(crate) fn set_head(&self, spot: Spot) {
        self.head.store(spot.0, Release);
    }

    /// What `head` is about to become.
    #[inline(always)]
    pub(crate) fn leaving(&self) -> Option<Spot> {
        // Acquire: who sees that there is nothing any more sees the new head, too.
        match self.leaving.load(Acquire) {
            0 => None,
            word => Some(Spot(word - 1)),
        }
    }

    pub(crate) fn set_leaving(&self, spot: Option<Spot>) {
        self.leaving.store(spot.map_or(0, |spot| spot.0.wrapping_add(1)), Release);
    }
}
