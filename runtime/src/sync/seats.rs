//! Who waits in a `Condvar`, and in which order: a slot, a number and a bell for each.
//!
//! | slot            | number         | its waiter |
//! | --------------- | -------------- | --- |
//! | free            | any            | there is none |
//! | held            | `called` or more | waits |
//! | held            | below `called` | is notified, and on its way back to its mutex |
//! | held, or its holder died | 0     | has its mutex back |
//! | its holder died | `called` or more | died waiting, which is nobody's concern |
//! | its holder died | below `called` | died with a notification, which belongs to somebody else now |
//!
//! The slot alone says whether there is a waiter, number and `called` (`waiters.rs`) what it is waiting for; the bell only
//! wakes it. A waiter sleeps while its bell's word is 0. A bell is a lock as well, which a notifier takes before it says
//! that the waiter is notified: from then on the waiter does not fall asleep, and whether the notifier rings the bell or
//! is killed before that, when the kernel frees what it held, the waiter is woken.
//!
//! Numbers are given in the order of arrival, from 1. A notification changes hands when the heir gets the number of the
//! dead, and then the dead loses it: who finds one number twice finishes that.
//!
//! Whoever calls a method that changes something has the turn (`waiters.rs`), but for leaving with a notification, and ringing.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::patience::Patience;
use super::raw::{Held, RawLock};
use super::slots::{SLOTS, Seat, Slots};
use crate::sys::futex;
use crate::sys::robust::Kind;

/// As many as there are.
pub(crate) const ALL: u32 = i32::MAX.cast_unsigned();

/// The seats of a waiting room.
#[derive(Debug)]
pub(crate) struct Seats {
    slots: Slots,
    cards: [Card; SLOTS],
}

/// What is known of a seat's waiter.
#[derive(Debug)]
struct Card {
    /// When it came. Means nothing while nobody sits here.
    number: AtomicU64,
    /// What it sleeps on.
    bell: RawLock,
}

/// Those who are to be notified, the oldest first: number and seat.
#[derive(Debug)]
pub(crate) struct Queue {
    len: usize,
    places: [(u64, usize); SLOTS],
}

impl Queue {
    pub(crate) fn as_slice(&self) -> &[(u64, usize)] {
        &self.places[..self.len]
    }
}

impl Seats {
    pub(crate) const fn new() -> Self {
        let cards = [const { Card { number: AtomicU64::new(0), bell: RawLock::new() } }; SLOTS];
        Self { slots: Slots::new(), cards }
    }

    /// Takes a seat with this number; `None` when there is none.
    pub(crate) fn enter(&self, number: u64) -> Option<Seat> {
        let index = (0..SLOTS).find(|index| {
            let slot = self.slots.get(*index);
            let bell = &self.cards[*index].bell;
            !slot.is_locked() && !slot.is_orphaned() && !bell.is_locked()
        })?;
        let card = &self.cards[index];
        card.number.store(number, SeqCst);
        card.bell.word().store(0, SeqCst);
        // Killed before this line: nobody sits here. After it: somebody who waits.
        self.slots.enter_at(index, Kind::Place)
    }

    pub(crate) fn number(&self, index: usize) -> u64 {
        self.cards[index].number.load(SeqCst)
    }

    /// Whether somebody is about to ring, was, or has rung.
    pub(crate) fn is_raised(&self, index: usize) -> bool {
        self.cards[index].bell.word().load(SeqCst) != 0
    }

    /// The seats that are taken, and their numbers.
    fn taken(&self) -> impl Iterator<Item = (u64, usize)> {
        let taken = self.slots.used().filter(|(_, slot)| slot.is_locked());
        taken.map(|(index, _)| (self.number(index), index))
    }

    /// Those who wait.
    pub(crate) fn waiting(&self, called: u64) -> Queue {
        let mut queue = Queue { len: 0, places: [(0, 0); SLOTS] };
        let waiting = self.taken().filter(|(number, _)| *number >= called);
        for (place, found) in queue.places.iter_mut().zip(waiting) {
            *place = found;
            queue.len += 1;
        }
        queue.places[..queue.len].sort_unstable();
        queue
    }

    /// The processes of those who wait, as far as they can be found out.
    pub(crate) fn processes(&self, called: u64) -> Vec<u32> {
        let waiting = self.waiting(called);
        let slots = waiting.as_slice().iter().map(|(_, index)| self.slots.get(*index));
        slots.filter_map(RawLock::holder).collect()
    }

    /// Those who are notified, and not back at their mutexes yet.
    pub(crate) fn called(&self, called: u64) -> impl Iterator<Item = usize> {
        self.taken().filter(move |(number, _)| (1..called).contains(number)).map(|(_, index)| index)
    }

    /// The waiter has got what it came for: from now on, its death concerns nobody.
    pub(crate) fn content(&self, index: usize) {
        self.cards[index].number.store(0, SeqCst);
    }

    /// Takes the bell of one who waits: it does not fall asleep any more, and is woken if this thread is killed.
    pub(crate) fn raise(&self, index: usize) -> Option<Held> {
        let bell = &self.cards[index].bell;
        // Nobody else has it: those who ring it for its last waiter keep others from taking the seat.
        let held = bell.lock_as(Kind::Place, Patience::None).ok();
        bell.watch();
        held
    }

    /// Clears a bell that was raised for nothing.
    pub(crate) fn lower(&self, index: usize) {
        let bell = &self.cards[index].bell;
        if !bell.is_locked() {
            bell.word().store(0, SeqCst);
        }
    }

    /// Rings a bell that was raised; needs no turn.
    pub(crate) fn ring(&self, index: usize, held: Option<Held>) {
        if let Some(held) = held {
            self.cards[index].bell.ring(held);
        }
    }

    /// Sleeps until the bell rings, or the next older waiter leaves or dies, and at most so long.
    pub(crate) fn sleep(&self, index: usize, nap: Duration) {
        let bell = (self.cards[index].bell.word(), 0);
        let number = self.number(index);
        let older = self.taken().filter(|(other, _)| *other < number).max();
        // After the look for older ones: who died before it is not among them, and nobody would watch its slot.
        if self.dead().next().is_some() {
            return;
        }
        match older {
            None => _ = futex::wait(bell.0, bell.1, nap),
            Some((_, older)) => {
                let slot = self.slots.get(older);
                if let Some(seen) = slot.watch() {
                    futex::wait_any(&[bell, (slot.word(), seen)], nap);
                }
            }
        }
    }

    /// Gives the seat back, and has whoever watches it look for another one to watch.
    pub(crate) fn leave(&self, seat: Seat) {
        let slot = self.slots.get(seat.index);
        let watched = slot.is_watched();
        self.slots.leave(seat);
        // One of them is awake already; more than one is there after one left quietly.
        if watched {
            futex::wake(slot.word(), ALL);
        }
    }

    /// Gives the seat back when its waiter is content, and nobody older is left to be watched.
    pub(crate) fn leave_quietly(&self, seat: Seat) {
        self.slots.get(seat.index).unwatch();
        self.slots.leave(seat);
    }

    /// The seats of the dead.
    pub(crate) fn dead(&self) -> impl Iterator<Item = usize> {
        self.slots.used().filter(|(_, slot)| slot.is_orphaned()).map(|(index, _)| index)
    }

    /// Whether another seat has this one's number: what belonged to its waiter has been handed on.
    pub(crate) fn is_inherited(&self, index: usize) -> bool {
        let number = self.number(index);
        self.slots.used().any(|(other, _)| other != index && self.number(other) == number)
    }

    /// Gives one who waits the number of a dead one, and with that its notification.
    pub(crate) fn hand_on(&self, number: u64, heir: usize) {
        let held = self.raise(heir);
        self.cards[heir].number.store(number, SeqCst);
        self.ring(heir, held);
    }

    /// Frees the seat of a dead one.
    pub(crate) fn bury(&self, index: usize) {
        // Killed before this line: the same is done again. After it: the dead had nothing to hand on.
        self.content(index);
        if let Some(seat) = self.slots.enter_at(index, Kind::Place) {
            self.leave(seat);
        }
    }
}
