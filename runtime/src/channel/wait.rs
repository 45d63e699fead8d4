//! Waiting for an item, or for room.
//!
//! Of those who wait for the same thing one has the turn, and sleeps at the bell; the others sleep until it is theirs. So an item
//! wakes one sleeper. That one keeps the turn until it has what it waited for; if it is killed before, the kernel gives the
//! turn to the next, who looks before it sleeps.
//!
//! Whoever waits looks now and then whether there is anybody left who could end its waiting.

use std::time::Duration;

use super::core::Core;
use super::levels;
use super::users::Side;
use crate::sync::gate::Gate;
use crate::sync::patience::Patience;
use crate::sync::raw::{RawLock, Refusal};
use crate::sync::spin::Spin;
use crate::sys::robust::Kind;

/// How long to sleep without a look for those who are left.
const NAP: Duration = Duration::from_millis(60);

/// Why there is no more waiting.
#[derive(Debug)]
pub(crate) enum Stop {
    TimedOut,
    PeerDied,
}

/// What a wait is for.
pub(crate) struct Waiting<'a, T: 'static> {
    pub(crate) core: &'a Core<T>,
    /// How many handles this process has.
    pub(crate) handles: usize,
    pub(crate) side: Side,
    pub(crate) patience: Patience,
}

impl<T> Waiting<'_, T> {
    fn bell(&self) -> &Gate {
        match self.side {
            Side::Take => &self.core.control.put.gate,
            Side::Put => &self.core.control.take.gate,
        }
    }

    fn turn(&self) -> &RawLock {
        match self.side {
            Side::Take => &self.core.control.turn_to_take,
            Side::Put => &self.core.control.turn_to_put,
        }
    }

    /// Whether an attempt may come to something.
    fn is_ready(&self) -> bool {
        let ready = match self.side {
            Side::Take => self.core.has_item(),
            Side::Put => self.core.has_room(),
        };
        ready || self.core.control.is_closed()
    }

    /// Repeats the attempt, whenever it may come to something, until it does.
    #[cold]
    pub(crate) fn until<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> Result<R, Stop> {
        if matches!(self.patience, Patience::None) {
            return Err(Stop::TimedOut);
        }
        // Those who queue come first.
        let queued = self.turn().is_locked();
        if !queued && let Some(done) = self.spin(&mut attempt) {
            return Ok(done);
        }
        let held = match self.turn().lock_as(Kind::Place, self.patience) {
            Ok(held) => Some(held),
            Err(Refusal::Busy) => return attempt().ok_or(Stop::TimedOut),
            // A signal handler has interrupted the one whose turn it is: it waits beside itself.
            Err(_) => None,
        };
        let outcome = self.sleep(queued, &mut attempt);
        if let Some(held) = held {
            self.turn().unlock(held);
        }
        self.bell().finish_waking();
        outcome
    }

    fn sleep<R>(&self, queued: bool, attempt: &mut impl FnMut() -> Option<R>) -> Result<R, Stop> {
        let mut look_around = queued;
        loop {
            if self.is_ready()
                && let Some(done) = attempt()
            {
                return Ok(done);
            }
            // Not when somebody has just been here.
            if look_around && self.core.is_deserted(self.handles) {
                // Who was the last one may have done something before its end.
                return attempt().ok_or(Stop::PeerDied);
            }
            let nap = self.patience.nap().ok_or(Stop::TimedOut)?;
            let woken = self.bell().sleep(|| !self.is_ready(), nap.min(NAP));
            look_around = !woken;
            if look_around && matches!(self.side, Side::Take) {
                self.core.trim();
            }
            if woken && let Some(done) = self.spin(attempt) {
                return Ok(done);
            }
        }
    }

    /// Looks for a moment without going to sleep.
    fn spin<R>(&self, attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
        let mut spin = Spin::new();
        loop {
            if self.is_ready()
                && let Some(done) = attempt()
            {
                spin.found();
                return Some(done);
            }
            if !spin.again() {
                return None;
            }
        }
    }
}

impl<T> Core<T> {
    /// Gives memory back that a drained queue does not need, if nobody is in the way.
    pub(crate) fn trim(&self) {
        if !self.control.take.head().is_ok_and(|head| levels::size(head.level) > levels::KEPT) {
            return;
        }
        // Garbage is reported by whoever finds it next.
        if let Ok(Ok(mut taker)) = self.taker(Patience::None) {
            let _ = taker.trim();
        }
    }
}
