//! One item, or many, in or out: through a gate, and around again when that came to nothing.

use std::mem;

use super::core::Core;
use super::fault::Fault;
use super::payload::{Incoming, Outgoing, is_raw, raw, take_raw};
use super::putter::Putter;
use super::queue::Queue;
use super::record::Kind;
use super::refused::Refused;
use super::taker::{Found, Taker};
use super::users::Side;
use super::wait::Waiting;
use crate::Error;
use crate::sync::gate::{Gate, Inside};
use crate::sync::patience::Patience;
use crate::sync::raw::Refusal;
use crate::wire::Message;

/// Through a gate, where others stay only for a moment: also those go who do not wait for anything else. `None` when even
/// that took too long.
#[inline(always)]
pub(crate) fn enter(gate: &Gate, patience: Patience) -> Result<Option<Inside<'_>>, Fault> {
    let patience = match patience {
        Patience::None => Patience::Endless,
        patience => patience,
    };
    match gate.enter(patience) {
        Ok(inside) => Ok(Some(inside)),
        Err(Refusal::Busy) => Ok(None),
        Err(_) => Err(Fault::Inside),
    }
}

impl<T> Queue<T> {
    pub(crate) fn waiting(&self, side: Side, patience: Patience) -> Waiting<'_, T> {
        Waiting { core: &self.core, handles: self.handles(), side, patience }
    }

    /// Repeats what was false for want of room, until there is some.
    #[cold]
    pub(crate) fn put_waiting(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        self.waiting(Side::Put, patience).until(&mut attempt)
    }

    /// Repeats what was false for want of an item, until there is one.
    #[cold]
    pub(crate) fn get_waiting(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut attempt = || {
            // Before the look: what was put before it was closed can be seen after that.
            let closed = self.core.control.is_closed();
            if self.core.has_item() && attempt()? {
                return Ok(true);
            }
            if closed { Err(Fault::Closed) } else { Ok(false) }
        };
        if !matches!(patience, Patience::None) {
            return self.waiting(Side::Take, patience).until(&mut attempt);
        }
        if attempt()? {
            return Ok(());
        }
        self.core.trim();
        Err(Fault::TimedOut)
    }

    #[inline(always)]
    fn put_now(&self, bytes: &[u8], kind: Kind, patience: Patience) -> Result<bool, Fault> {
        let Some(inside) = enter(&self.core.control.put.gate, patience)? else { return Ok(false) };
        put_one(&self.core, &mut self.core.putter(inside), bytes, kind)
    }

    /// Puts bytes, waiting for room.
    #[inline(always)]
    pub(crate) fn put_bytes_as(
        &self,
        bytes: &[u8],
        kind: Kind,
        patience: Patience,
    ) -> Result<(), Fault> {
        self.core.users.note(Side::Put);
        if self.put_now(bytes, kind, patience)? {
            return Ok(());
        }
        self.put_waiting(patience, || self.put_now(bytes, kind, patience))
    }
}

impl<T: Message> Queue<T> {
    #[inline(always)]
    pub(crate) fn store(&self, item: &T, patience: Patience) -> Result<(), Refused> {
        match raw(item) {
            Some(bytes) => Ok(self.put_bytes_as(bytes, Kind::Raw, patience)?),
            None => self.store_encoded(item, patience),
        }
    }

    #[inline(never)]
    fn store_encoded(&self, item: &T, patience: Patience) -> Result<(), Refused> {
        let mut item = Outgoing::of(item)?;
        if let Some((bytes, kind)) = item.as_bytes() {
            return Ok(self.put_bytes_as(bytes, kind, patience)?);
        }
        self.core.users.note(Side::Put);
        let mut put = || {
            let inside = enter(&self.core.control.put.gate, patience)?;
            let Some(inside) = inside else { return Ok(false) };
            put_with(&self.core, &mut self.core.putter(inside), &mut item)
        };
        if !put()? {
            self.put_waiting(patience, put)?;
        }
        Ok(())
    }

    /// All of them; on failure, how many were put.
    pub(crate) fn store_all(&self, items: &[T]) -> Result<(), (usize, Refused)> {
        let mut encoded = Vec::new();
        // Encoding is code of the user's, which had better not run inside of the gate.
        if !is_raw::<T>() {
            for item in items {
                encoded.push(Outgoing::of(item).map_err(|error| (0, error.into()))?);
            }
        }
        self.core.users.note(Side::Put);
        let mut done = 0;
        while done < items.len() {
            let mut put = || {
                let inside = enter(&self.core.control.put.gate, Patience::Endless)?;
                let Some(inside) = inside else { return Ok(false) };
                self.put_some(self.core.putter(inside), items, &mut encoded, &mut done)
            };
            let stored = match put() {
                Ok(false) => self.put_waiting(Patience::Endless, put),
                Ok(true) => Ok(()),
                Err(fault) => Err(fault),
            };
            stored.map_err(|fault| (done, fault.into()))?;
        }
        Ok(())
    }

    /// As many as there is room for; whether there was any.
    #[inline(always)]
    fn put_some(
        &self,
        mut putter: Putter<'_, T>,
        items: &[T],
        encoded: &mut [Outgoing<'_, T>],
        done: &mut usize,
    ) -> Result<bool, Fault> {
        let before = *done;
        while let Some(item) = items.get(*done) {
            let put = match (raw(item), encoded.get_mut(*done)) {
                (Some(bytes), _) => put_one(&self.core, &mut putter, bytes, Kind::Raw)?,
                (None, Some(item)) => put_with(&self.core, &mut putter, item)?,
                (None, None) => false,
            };
            if !put {
                break;
            }
            *done += 1;
        }
        Ok(*done > before)
    }

    #[inline(always)]
    fn take_now(
        &self,
        patience: Patience,
        item: &mut Option<T>,
        copy: &mut Option<crate::Result<Incoming>>,
    ) -> Result<bool, Fault> {
        let Some(inside) = enter(&self.core.control.take.gate, patience)? else { return Ok(false) };
        take_one(&mut self.core.taker(inside), item, copy)
    }

    #[inline(always)]
    pub(crate) fn fetch(&self, patience: Patience) -> Result<T, Refused> {
        self.core.users.note(Side::Take);
        let (mut item, mut copy) = (None, None);
        if !(self.core.has_item() && self.take_now(patience, &mut item, &mut copy)?) {
            self.get_waiting(patience, || self.take_now(patience, &mut item, &mut copy))?;
        }
        match (item, copy) {
            (Some(item), _) => Ok(item),
            // When others may take.
            (None, Some(copy)) => Ok(copy.and_then(Incoming::decode)?),
            (None, None) => Err(Fault::TimedOut.into()),
        }
    }

    pub(crate) fn fetch_many(&self, max: usize, patience: Patience) -> Result<Vec<T>, Refused> {
        let (mut items, mut lost) = (Vec::new(), None);
        if max == 0 {
            return Ok(items);
        }
        self.core.users.note(Side::Take);
        let mut take = || {
            let inside = enter(&self.core.control.take.gate, patience)?;
            let Some(inside) = inside else { return Ok(false) };
            items.try_reserve(max.min(self.core.len().max(1))).map_err(|_| Fault::no_memory())?;
            take_many(&mut self.core.taker(inside), max, &mut items, &mut lost)
        };
        if !(self.core.has_item() && take()?) {
            self.get_waiting(patience, take)?;
        }
        match lost {
            Some(error) => Err(Refused::Failed(error)),
            None => Ok(items),
        }
    }
}

/// Puts one, if there is room for it.
#[inline(always)]
fn put_one<T>(
    core: &Core<T>,
    putter: &mut Putter<'_, T>,
    bytes: &[u8],
    kind: Kind,
) -> Result<bool, Fault> {
    if core.control.is_closed() {
        return Err(Fault::Closed);
    }
    match putter.place(bytes.len()) {
        Ok(place) => {
            place.span.fill(bytes);
            putter.commit(place, kind)?;
            Ok(true)
        }
        Err(Fault::Full) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Puts one that has to be written in its place, or has handles, if there is room for it.
#[inline(never)]
fn put_with<T: Message>(
    core: &Core<T>,
    putter: &mut Putter<'_, T>,
    item: &mut Outgoing<'_, T>,
) -> Result<bool, Fault> {
    if core.control.is_closed() {
        return Err(Fault::Closed);
    }
    match putter.place(item.len()) {
        Ok(place) => {
            item.write(place.span)?;
            // Before it can be taken: whoever takes it fetches its handles at once.
            core.keep_parcel(place.number(), item)?;
            putter.commit(place, item.kind())?;
            Ok(true)
        }
        Err(Fault::Full) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Takes one, if there is one: an item, or a copy of what has to be decoded.
#[inline(always)]
fn take_one<T: Message>(
    taker: &mut Taker<'_, T>,
    item: &mut Option<T>,
    copy: &mut Option<crate::Result<Incoming>>,
) -> Result<bool, Fault> {
    let Some(found) = taker.look()? else { return Ok(false) };
    match found.kind {
        Kind::Raw => *item = Some(take_raw(found.span)?),
        kind => *copy = Some(Incoming::copy(found.span, kind)?),
    }
    taker.pass(found);
    taker.settle();
    Ok(true)
}

/// An item whose own code is at work: if that panics, it is gone, with those before it, so that the next call does not meet it.
struct Gone<'a, 'b, T: 'static> {
    taker: &'b mut Taker<'a, T>,
    found: Found,
}

impl<T> Drop for Gone<'_, '_, T> {
    fn drop(&mut self) {
        self.taker.pass(self.found);
        self.taker.settle();
    }
}

/// Takes at most so many, if there is one. One that did not arrive is lost, if it is the first one.
fn take_many<T: Message>(
    taker: &mut Taker<'_, T>,
    max: usize,
    items: &mut Vec<T>,
    lost: &mut Option<Error>,
) -> Result<bool, Fault> {
    while items.len() < max
        && let Some(found) = taker.look()?
    {
        let item = match found.kind {
            Kind::Raw => Ok(take_raw(found.span)?),
            kind => {
                let copy = Incoming::copy(found.span, kind)?;
                let gone = Gone { taker, found };
                let item = copy.and_then(Incoming::decode);
                mem::forget(gone);
                item
            }
        };
        match item {
            Ok(item) => items.push(item),
            // Those before it first; the next call finds it at the beginning.
            Err(_) if !items.is_empty() => break,
            Err(error) => *lost = Some(error),
        }
        taker.pass(found);
        if lost.is_some() {
            break;
        }
    }
    taker.settle();
    Ok(!items.is_empty() || lost.is_some())
}
