//! The waiting room of a `Condvar`: exactly the oldest are notified, and no notification dies with anyone.
//!
//! Each waiter takes the next number. Whoever has a number below `called` is notified: so one store notifies one, some or all of
//! them, and a notifier that is killed has done it or not. Joining, notifying, giving up and tidying up are done by whoever has
//! the `turn`, an inner lock that is held for some instructions and never asleep. A waiter keeps its seat until it has its
//! mutex back; so one that is killed with a notification is found in its seat (`seats.rs`).
//!
//! Who sees to it that somebody notices, within a wake-up instead of a nap:
//!
//! 1. *A notifier dies* after the store, before it has woken all: it holds the bells of those that it has not rung, and the
//!    kernel wakes them. It rings after it has given the turn back, so that those who wake need not wait for it.
//! 2. *A waiter dies* with a notification: each waiter watches the slot of the next older one, so that the kernel wakes the
//!    next younger one. If that one is notified as well, it is awake, and looks for the dead before it leaves. One that
//!    leaves before an older notified one wakes its watcher, which turns to the older one.
//! 3. *Who should act on 2 dies as well*: it sits in a seat, and its watcher is woken in turn.
//! 4. *Whoever has the turn dies* in the middle of tidying up: it did so on behalf of one of those above, who waits for the
//!    turn and does it again. All of it can be done twice.
//!
//! Bells are raised before the store, so that nobody falls asleep in between: who finds its bell raised without being called
//! waits for the turn, and lowers it if there was nothing after all.
//!
//! Everything is SeqCst: it goes by the order of stores to several words, and sleeping costs more.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::crowd::Crowd;
use super::patience::Patience;
use super::raw::{Held, RawLock};
use super::seats::{Queue, Seats};
use super::slots::{SLOTS, Seat};
use super::spin::Spin;

/// A waiting room.
#[derive(Debug)]
pub(crate) struct Waiters {
    turn: RawLock,
    /// The number of the next who comes.
    next: AtomicU64,
    /// Whoever has a smaller number is notified.
    called: AtomicU64,
    /// `next` at the last notification: who came later has no part in it.
    bound: AtomicU64,
    seats: Seats,
    crowd: Crowd,
}

/// A place in the waiting room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Seat(Seat),
    /// With this number.
    Crowd(u64),
}

/// The turn in this thread's hands.
struct Turn<'a>(&'a RawLock, Held);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.unlock(self.1);
    }
}

impl Waiters {
    pub(crate) const fn new() -> Self {
        Self {
            turn: RawLock::new(),
            next: AtomicU64::new(1),
            called: AtomicU64::new(1),
            bound: AtomicU64::new(1),
            seats: Seats::new(),
            crowd: Crowd::new(),
        }
    }

    /// Joins those who wait; `None` in a signal handler that interrupted this thread when it had the turn.
    pub(crate) fn join(&self) -> Option<Place> {
        let _turn = self.turn()?;
        let number = self.next.load(SeqCst);
        self.next.store(number + 1, SeqCst);
        Some(self.seats.enter(number).map_or_else(
            || {
                self.crowd.join();
                Place::Crowd(number)
            },
            Place::Seat,
        ))
    }

    /// Waits to be notified; false says that time ran out before that.
    pub(crate) fn wait(&self, place: Place, patience: Patience) -> bool {
        let mut spin = Spin::new();
        while !self.is_called(place) {
            if spin.again() {
                continue;
            }
            match patience.nap() {
                Some(nap) => self.sleep(place, nap),
                None => return false,
            }
        }
        spin.found();
        true
    }

    /// Leaves for want of patience; true says that a notification was there first: then it is time to `finish`.
    pub(crate) fn give_up(&self, place: Place) -> bool {
        let _turn = self.turn();
        let called = self.is_called(place);
        if let (Place::Seat(seat), false) = (place, called) {
            self.seats.leave(seat);
        }
        called
    }

    /// Leaves for good, notified and with the mutex taken.
    pub(crate) fn finish(&self, place: Place) {
        // Another one may have died with its notification, or left it to this one: then both have one number until it
        // is buried, which has to be done before that number is gone.
        if self.has_work() {
            drop(self.turn());
        }
        let Place::Seat(seat) = place else { return };
        // Killed before this line: the notification is somebody else's. After it: it was this one's.
        self.seats.content(seat.index);
        let others = self.seats.called(self.called.load(SeqCst)).next().is_some();
        // After the look for others: who died before it is not among them, and whoever watches this seat is to find it.
        if others || self.seats.dead().next().is_some() {
            self.seats.leave(seat);
        } else {
            self.seats.leave_quietly(seat);
        }
    }

    /// Notifies the `count` oldest of those who wait, and says how many that were.
    pub(crate) fn notify(&self, count: usize) -> usize {
        if count == 0 || self.called.load(SeqCst) >= self.next.load(SeqCst) {
            return 0;
        }
        let Some(turn) = self.turn() else { return 0 };
        let waiting = self.living();
        let chosen = &waiting.as_slice()[..waiting.as_slice().len().min(count)];
        let next = self.next.load(SeqCst);
        let called = match chosen {
            [.., (last, _)] if chosen.len() == count => last + 1,
            _ => next,
        };
        self.bound.store(next, SeqCst);
        let mut bells = [None; SLOTS];
        for (bell, (_, index)) in bells.iter_mut().zip(chosen) {
            *bell = self.seats.raise(*index);
        }
        // This is the notification; what follows only wakes.
        let stood = self.call(called);
        drop(turn);
        for (bell, (_, index)) in bells.into_iter().zip(chosen) {
            self.seats.ring(*index, bell);
        }
        chosen.len() + stood.min(count - chosen.len())
    }

    /// The processes of those who wait, the oldest first.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.seats.processes(self.called.load(SeqCst))
    }

    fn is_called(&self, place: Place) -> bool {
        let number = match place {
            Place::Seat(seat) => self.seats.number(seat.index),
            Place::Crowd(number) => number,
        };
        number < self.called.load(SeqCst)
    }

    fn sleep(&self, place: Place, nap: Duration) {
        if self.has_work() {
            drop(self.turn());
            return;
        }
        match place {
            Place::Crowd(_) => self.crowd.sleep(|| self.is_called(place), nap),
            Place::Seat(seat) if self.seats.is_raised(seat.index) => {
                let _turn = self.turn();
                if !self.is_called(place) {
                    self.seats.lower(seat.index);
                }
            }
            Place::Seat(seat) => self.seats.sleep(seat.index, nap),
        }
    }

    /// Whether somebody died and left something to be done.
    fn has_work(&self) -> bool {
        self.turn.is_orphaned() || self.seats.dead().next().is_some()
    }

    /// Takes the turn, and finishes what the dead have left.
    fn turn(&self) -> Option<Turn<'_>> {
        let turn = Turn(&self.turn, self.turn.lock(Patience::Endless).ok()?);
        if self.turn.is_doubtful() {
            self.crowd.call();
            self.turn.set_doubtful(false);
        }
        self.bury_dead();
        Some(turn)
    }

    /// Those who wait. A dead one among them would be notified by the store that notifies those after it, so
    /// that the dead are buried before; those who die after this look count as notified.
    fn living(&self) -> Queue {
        loop {
            let waiting = self.seats.waiting(self.called.load(SeqCst));
            if self.seats.dead().next().is_none() {
                return waiting;
            }
            self.bury_dead();
        }
    }

    fn bury_dead(&self) {
        for index in self.seats.dead() {
            let number = self.seats.number(index);
            let called = self.called.load(SeqCst);
            if number != 0 && number < called && !self.seats.is_inherited(index) {
                self.pass_on(number, called);
            }
            self.seats.bury(index);
        }
    }

    /// Gives a dead one's notification to the oldest who waits, if it came in time for it.
    fn pass_on(&self, number: u64, called: u64) {
        let bound = self.bound.load(SeqCst);
        let waiting = self.seats.waiting(called);
        match waiting.as_slice().first() {
            Some((first, heir)) if *first < bound => self.seats.hand_on(number, *heir),
            _ if self.crowd.is_present() && bound > called => _ = self.call(bound),
            _ => {}
        }
    }

    /// Notifies all who have a smaller number, and wakes those without a seat; says how many of these slept.
    fn call(&self, called: u64) -> usize {
        if !self.crowd.is_present() {
            self.called.store(called, SeqCst);
            return 0;
        }
        let _announced = self.crowd.announce();
        self.called.store(called, SeqCst);
        if called >= self.next.load(SeqCst) {
            self.crowd.dissolve();
        }
        self.crowd.call()
    }
}
