//! Waiting for an item, or for room.
//!
//! Of those who wait for the same thing one has the turn, and sleeps at the bell; the others sleep until it is theirs. So an item
//! wakes one sleeper. That one keeps the turn until it has what it waited for; if it is killed before, the kernel gives the
//! turn to the next, who looks before it sleeps.
//!
//! Whoever waits looks now and then whether there is anybody left who could end its waiting.

use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use super::core::Core;
use super::fault::Fault;
use super::spot::Spot;
use super::users::Side;
use crate::sync::gate::Gate;
use crate::sync::patience::Patience;
use crate::sync::raw::{RawLock, Refusal};
use crate::sync::spin::Spin;
use crate::sys::robust::Kind;

/// How long to sleep without a look for those who are left.
pub(crate) const NAP: Duration = Duration::from_millis(60);
/// How often to let others have the processor before going to sleep.
const YIELDS: u32 = 4;
/// The most jobs in progress to watch at a time; of others it is found out after a nap.
const OTHERS_MAX: usize = 100;

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
            Side::Join => {
                self.core.desks.as_ref().map_or(&self.core.control.take.gate, |desks| &desks.bell)
            }
        }
    }

    /// Who waits for all jobs to be done goes on with all others who do: there are no turns.
    fn turn(&self) -> Option<&RawLock> {
        match self.side {
            Side::Take => Some(&self.core.control.turn_to_take),
            Side::Put => Some(&self.core.control.turn_to_put),
            Side::Join => None,
        }
    }

    /// What to sleep on besides the bell: jobs that come back.
    fn others(&self) -> Vec<(&AtomicU32, u32)> {
        match self.side {
            Side::Take => self.core.returning(),
            Side::Put | Side::Join => Vec::new(),
        }
    }

    /// Whether an attempt may come to something.
    fn is_ready(&self) -> bool {
        let ready = match self.side {
            Side::Take => self.core.has_item(),
            Side::Put => self.core.has_room(),
            Side::Join => return self.core.may_be_done(),
        };
        ready || self.core.control.is_closed()
    }

    /// Whether another attempt would come to nothing, after one that did when `head` was this. There may be room for one item more, but not
    /// for one that is so large: before something is taken, there will not be.
    fn is_vain(&self, head: Spot) -> bool {
        let is_too_large = || {
            matches!(self.side, Side::Put)
                && self.core.control.take.head() == head
                && !self.core.control.is_closed()
        };
        !self.is_ready() || is_too_large()
    }

    /// Repeats the attempt, whenever it may come to something, until it does, which it says with true.
    #[cold]
    pub(crate) fn until(
        &self,
        attempt: &mut dyn FnMut() -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        if matches!(self.patience, Patience::None) {
            return Err(Fault::TimedOut);
        }
        // What it waits for would have to come through a gate that it keeps shut itself.
        if self.bell().is_mine() {
            return Err(Fault::Inside);
        }
        // Those who queue come first.
        let queued = self.turn().is_some_and(RawLock::is_locked);
        if !queued && self.spin(attempt)? {
            return Ok(());
        }
        let held = match self.turn().map(|turn| turn.lock_as(Kind::Place, self.patience)) {
            Some(Ok(held)) => Some(held),
            Some(Err(Refusal::Busy)) => return done(attempt()?, Fault::TimedOut),
            // A signal handler has interrupted the one whose turn it is: it waits beside itself.
            Some(Err(_)) | None => None,
        };
        let outcome = self.sleep(queued, attempt);
        if let (Some(turn), Some(held)) = (self.turn(), held) {
            turn.unlock(held);
        }
        self.bell().finish_waking();
        outcome
    }

    fn sleep(
        &self,
        queued: bool,
        attempt: &mut dyn FnMut() -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut look_around = queued;
        loop {
            let head = self.core.control.take.head();
            if self.is_ready() && attempt()? {
                return Ok(());
            }
            // Not when somebody has just been here.
            if look_around && self.core.is_deserted(self.handles) {
                // Who was the last one may have done something before its end.
                return done(attempt()?, Fault::PeerDied);
            }
            let nap = self.patience.nap().ok_or(Fault::TimedOut)?;
            let woken = self.bell().sleep(&self.others(), || self.is_vain(head), nap.min(NAP));
            look_around = !woken;
            if look_around && matches!(self.side, Side::Take) {
                self.core.trim();
            }
            if woken {
                if self.spin(attempt)? {
                    return Ok(());
                }
                // Woken in vain, and about to sleep again.
                self.bell().finish_waking();
            }
        }
    }

    /// Looks for a moment without going to sleep.
    fn spin(&self, attempt: &mut dyn FnMut() -> Result<bool, Fault>) -> Result<bool, Fault> {
        let mut spin = Spin::streaming();
        loop {
            if self.is_ready() && attempt()? {
                spin.found_in_stream(self.is_ready());
                return Ok(true);
            }
            if !spin.again() {
                break;
            }
        }
        // The one who could end the waiting may be waiting for this processor: it is cheaper to let it have that than to sleep and be
        // woken at its first item.
        for _ in 0..YIELDS {
            thread::yield_now();
            if self.is_ready() && attempt()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The last attempt came to something, or this is the reason why not.
fn done(done: bool, otherwise: Fault) -> Result<(), Fault> {
    if done { Ok(()) } else { Err(otherwise) }
}

impl<T> Core<T> {
    /// Words to sleep on besides the bell, with what they hold: of jobs that may come back.
    pub(crate) fn returning(&self) -> Vec<(&AtomicU32, u32)> {
        self.desks.as_ref().map_or_else(Vec::new, |desks| desks.watch(OTHERS_MAX))
    }

    /// Gives memory back that a drained queue does not need, if nobody is in the way.
    pub(crate) fn trim(&self) {
        if !self.control.has_large() {
            return;
        }
        // Garbage is reported by whoever finds it next.
        if let Ok(inside) = self.control.take.gate.enter(Patience::None) {
            let _ = self.taker(inside).trim();
        }
    }
}
