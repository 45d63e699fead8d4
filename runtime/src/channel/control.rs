//! What all holders of a queue share besides its items.
//!
//! The two sides have lines of cache of their own: who puts writes nothing that who takes looks at, but for the items.
//!
//! # Safety
//! Plain words, lock words, and a type that has no bytes.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::levels::FIRST;
use super::spot::Spot;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sync::gate::Gate;
use crate::sync::raw::RawLock;
use crate::{Error, Result};

/// The side of those who put. All but `gate` is for whoever is inside of it.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Putting {
    /// Whoever waits for an item sleeps at its bell.
    pub(crate) gate: Gate,
    /// Where the next record will be. What a dead one has committed beyond it belongs to the queue, too.
    tail: AtomicU64,
    /// A head that was, so that the other side's line is seldom looked at.
    seen: AtomicU64,
    /// How many bytes of the tail's level, if that is not 0, have memory. Less is true of a level entered again.
    reserved: AtomicU64,
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
    /// The most items that may wait; 0 when there is no such bound.
    pub(crate) bound: u32,
    /// Not 0: no item comes any more. Written by one who is inside of both gates.
    closed: AtomicU32,
    /// Not 0: another process has been given a handle.
    handed_on: AtomicU32,
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
        let start = Spot::START.to_word();
        Self {
            bound,
            closed: AtomicU32::new(0),
            handed_on: AtomicU32::new(0),
            put: Putting {
                gate: Gate::new(),
                tail: AtomicU64::new(start),
                seen: AtomicU64::new(start),
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

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Acquire) != 0
    }

    pub(crate) fn set_closed(&self) {
        self.closed.store(1, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn was_handed_on(&self) -> bool {
        self.handed_on.load(Relaxed) != 0
    }

    pub(crate) fn hand_on(&self) {
        self.handed_on.store(1, Relaxed);
    }
}

/// A word that holds a spot, as it was written by whoever may.
fn spot_in(word: &AtomicU64, what: &'static str) -> Result<Spot> {
    // Acquire pairs with the Release of `head`: what was read before is not overwritten before.
    Spot::from_word(word.load(Acquire)).ok_or_else(|| garbled(what))
}

impl Putting {
    #[inline]
    pub(crate) fn tail(&self) -> Result<Spot> {
        spot_in(&self.tail, "its end lies nowhere")
    }

    #[inline]
    pub(crate) fn set_tail(&self, spot: Spot) {
        self.tail.store(spot.to_word(), std::sync::atomic::Ordering::Release);
    }

    #[inline]
    pub(crate) fn seen(&self) -> Result<Spot> {
        spot_in(&self.seen, "its beginning lies nowhere")
    }

    #[inline]
    pub(crate) fn set_seen(&self, spot: Spot) {
        self.seen.store(spot.to_word(), Relaxed);
    }

    #[inline]
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(Relaxed) as usize
    }

    pub(crate) fn set_reserved(&self, bytes: usize) {
        self.reserved.store(bytes as u64, Relaxed);
    }
}

impl Taking {
    #[inline]
    pub(crate) fn head(&self) -> Result<Spot> {
        spot_in(&self.head, "its beginning lies nowhere")
    }

    /// Release: the records before it have been read.
    #[inline]
    pub(crate) fn set_head(&self, spot: Spot) {
        self.head.store(spot.to_word(), std::sync::atomic::Ordering::Release);
    }

    /// What `head` is about to become.
    #[inline]
    pub(crate) fn leaving(&self) -> Result<Option<Spot>> {
        match self.leaving.load(Relaxed) {
            0 => Ok(None),
            word => Spot::from_word(word - 1)
                .map(Some)
                .ok_or_else(|| garbled("its beginning moves nowhere")),
        }
    }

    #[inline]
    pub(crate) fn set_leaving(&self, spot: Option<Spot>) {
        self.leaving
            .store(spot.map_or(0, |spot| spot.to_word() + 1), std::sync::atomic::Ordering::Release);
    }
}

/// What is in shared memory is not what a queue's memory can be.
#[cold]
pub(crate) fn garbled(what: &str) -> Error {
    Error::Garbled { reason: format!("a queue's memory was overwritten, {what}") }
}

/// The type of its items.
pub(crate) fn items_of<T>() -> impl fmt::Display {
    type_name::<T>()
}
