//! Looks at all of a heap: that its blocks lie one behind another, and that the lists of free ones have just those that are free.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{Arena, named};
use super::block::{LEAST, Ref, State};
use super::buddy::MOST;
use crate::collections::fault::Fault;

/// What a heap consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audit {
    /// How many blocks are in use.
    pub(crate) blocks: usize,
    /// Bytes of them.
    pub(crate) used: u64,
}

/// See the module. `Overwritten`: it is not so.
pub(crate) fn audit(arena: &Arena) -> Result<Audit, Fault> {
    let control = arena.control();
    let _inside = arena.enter()?;
    let top = control.ledger.table.load(Relaxed);
    if !(u64::from(LEAST)..=u64::from(MOST)).contains(&top) {
        return Err(Fault::Overwritten);
    }
    let (mut at, mut found) = (0_u64, Audit { blocks: 0, used: 0 });
    let mut free = BTreeSet::new();
    while at < 1 << (top - u64::from(LEAST)) {
        let place = Ref(at as u32);
        let order = match arena.block(place)?.state().ok_or(Fault::Overwritten)? {
            State::Used { order } => {
                found.blocks += 1;
                found.used += 1 << order;
                order
            }
            State::Free { order, .. } => {
                free.insert((order, place));
                order
            }
        };
        at += 1 << (order - LEAST);
    }
    for (order, first) in control.free.iter().enumerate() {
        let (mut next, mut before) = (named(first), None);
        while let Some(place) = next {
            let (after, previous) = arena.block(place)?.links();
            if previous != before || !free.remove(&(order as u32, place)) {
                return Err(Fault::Overwritten);
            }
            (next, before) = (after, next);
        }
    }
    let is_whole = free.is_empty() && found.used == control.ledger.count.load(Relaxed);
    if is_whole { Ok(found) } else { Err(Fault::Overwritten) }
}
