//! Waiting for a permit: one watches all who have one, the others wait for its turn.
//!
//! Invariant 1: of those who wait, one has `turn`, and only that one sleeps on slots and `bell`; the others sleep on `turn`. So a
//! permit that comes wakes one sleeper; when that one has taken it and gives `turn` on, the next one looks before it sleeps. When
//! the head dies, the kernel gives `turn` on.
//! Invariant 2: the head first says where it is about to sleep (`bell`, and the waiters' mark in each slot held), then looks for
//! a permit, then sleeps unless one of those words has changed. Who gives a permit does it the other way round. (SeqCst on both sides.)

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::patience::Patience;
use super::permits::{ASLEEP, Permits, Right, SEATS, SLOTS};
use super::raw::Refusal;
use super::spin::Spin;
use crate::sys::futex;
use crate::sys::robust::Kind;

impl Permits {
    /// Waits for a permit that was not to be had at once.
    #[cold]
    pub(super) fn wait(&self, patience: Patience) -> Option<Right> {
        // Those who queue come first.
        if !self.turn.is_locked()
            && let Some(right) = self.spin()
        {
            return Some(right);
        }
        let turn = match self.turn.lock_as(Kind::Place, patience) {
            Ok(held) => Some(held),
            Err(Refusal::Busy) => return self.take(),
            // A signal handler has interrupted the head: it waits beside itself.
            Err(_) => None,
        };
        let right = self.wait_as_head(patience);
        if let Some(held) = turn {
            self.turn.unlock(held);
        }
        right
    }

    fn wait_as_head(&self, patience: Patience) -> Option<Right> {
        loop {
            self.bell.store(ASLEEP, SeqCst);
            let mut words = [(&self.bell, ASLEEP); 1 + SLOTS + SEATS];
            let mut count = 1;
            let mut missed = false;
            for index in self.open_slots().chain(self.seats()) {
                if let Some(expected) = self.slots[index].watch() {
                    words[count] = (self.slots[index].word(), expected);
                    count += 1;
                } else {
                    // Who takes a seat rings the bell.
                    missed |= index < SLOTS;
                }
            }
            let right = self.take();
            let nap = patience.nap();
            if right.is_some() || nap.is_none() {
                self.bell.store(0, SeqCst);
                return right;
            }
            if missed {
                // It was free, and somebody else got it, who does not know that anybody sleeps.
                continue;
            }
            if !futex::wait_any(&words[..count], nap.unwrap_or_default()) {
                // Nobody tells of the deaths of threads without a kernel list.
                let all = self.open_slots().chain(self.seats());
                all.for_each(|index| self.slots[index].doze(Duration::ZERO));
            }
            // Somebody may have been quicker, and be done soon.
            if let Some(right) = self.spin() {
                return Some(right);
            }
        }
    }

    /// Takes a permit that comes in the next moment.
    fn spin(&self) -> Option<Right> {
        let mut spin = Spin::new();
        loop {
            let right = self.take();
            if right.is_some() {
                spin.found();
            }
            if right.is_some() || !spin.again() {
                return right;
            }
        }
    }
}
