//! One item, or many, in or out: through a gate, and around again when that came to nothing.

use super::core::Core;
use super::payload::{Incoming, Outgoing, is_raw, take_raw};
use super::putter::{NoPlace, Putter};
use super::queue::Queue;
use super::record::Kind;
use super::taker::Taker;
use super::users::Side;
use super::wait::{Stop, Waiting};
use crate::sync::patience::Patience;
use crate::sync::raw::Refusal;
use crate::sync::refused;
use crate::wire::Message;
use crate::{Error, Result};

/// Why nothing was put.
#[derive(Debug)]
pub(crate) enum NoPut {
    Closed,
    /// There was no room in all the time that there was.
    Full,
    /// There is no room, and there is no use in waiting.
    Maximum,
    PeerDied,
    Failed(Error),
}

/// Why nothing was taken.
#[derive(Debug)]
pub(crate) enum NoGet {
    Closed,
    /// Nothing came in all the time that there was.
    Empty,
    PeerDied,
    Failed(Error),
}

impl From<Error> for NoPut {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for NoGet {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A gate refused: this thread is inside of it already.
pub(crate) fn inside_already(refusal: Refusal) -> Error {
    Error::from(refused::<()>(refusal))
}

impl<T> Core<T> {
    /// Inside of the gate for putting, if the queue is not closed; `None` when the patience of one who does not wait ended at the gate.
    #[inline]
    pub(crate) fn open_putter(&self, patience: Patience) -> Result<Option<Putter<'_, T>>, NoPut> {
        let putter = match self.putter(patience) {
            Ok(putter) => putter?,
            Err(Refusal::Busy) => return Ok(None),
            Err(refusal) => return Err(inside_already(refusal).into()),
        };
        if self.control.is_closed() { Err(NoPut::Closed) } else { Ok(Some(putter)) }
    }

    /// Inside of the gate for taking; `None` as above.
    #[inline]
    pub(crate) fn open_taker(&self, patience: Patience) -> Result<Option<Taker<'_, T>>, NoGet> {
        match self.taker(patience) {
            Ok(taker) => Ok(Some(taker?)),
            Err(Refusal::Busy) => Ok(None),
            Err(refusal) => Err(inside_already(refusal).into()),
        }
    }
}

/// How long to wait at a gate, where others stay only for a moment: who does not wait for anything waits for that.
#[inline]
pub(crate) fn at_gate(patience: Patience) -> Patience {
    match patience {
        Patience::None => Patience::Endless,
        patience => patience,
    }
}

impl<T> Queue<T> {
    pub(crate) fn waiting(&self, side: Side, patience: Patience) -> Waiting<'_, T> {
        Waiting { core: &self.core, handles: self.handles(), side, patience }
    }

    /// Repeats what came to nothing for want of room, until there is some.
    #[inline]
    pub(crate) fn put_by<R>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Option<R>, NoPut>,
    ) -> Result<R, NoPut> {
        self.core.users.note(Side::Put);
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        match self.waiting(Side::Put, patience).until(|| attempt().transpose()) {
            Ok(done) => done,
            Err(Stop::TimedOut) => Err(NoPut::Full),
            Err(Stop::PeerDied) => Err(NoPut::PeerDied),
        }
    }

    /// Repeats what came to nothing for want of an item, until there is one.
    #[inline]
    pub(crate) fn get_by<R>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Option<R>, NoGet>,
    ) -> Result<R, NoGet> {
        self.core.users.note(Side::Take);
        if self.core.has_item()
            && let Some(done) = attempt()?
        {
            return Ok(done);
        }
        self.get_waiting(patience, attempt)
    }

    #[cold]
    fn get_waiting<R>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Option<R>, NoGet>,
    ) -> Result<R, NoGet> {
        // Closed first: what was put before that can be seen after it.
        let mut attempt = || {
            let closed = self.core.control.is_closed();
            match attempt() {
                Ok(None) if closed => Err(NoGet::Closed),
                other => other,
            }
        };
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if matches!(patience, Patience::None) {
            self.core.trim();
        }
        match self.waiting(Side::Take, patience).until(|| attempt().transpose()) {
            Ok(done) => done,
            Err(Stop::TimedOut) => Err(NoGet::Empty),
            Err(Stop::PeerDied) => Err(NoGet::PeerDied),
        }
    }
}

impl<T: Message> Queue<T> {
    #[inline]
    pub(crate) fn store(&self, item: &T, patience: Patience) -> Result<(), NoPut> {
        let mut item = Outgoing::of(item)?;
        let number = self.put_by(patience, || {
            let Some(mut putter) = self.core.open_putter(at_gate(patience))? else {
                return Ok(None);
            };
            put_one(&mut putter, &item)
        })?;
        self.core.keep_parcel(number, item.take_parcel());
        Ok(())
    }

    /// All of them; on failure, how many were put.
    pub(crate) fn store_all(&self, items: &[T]) -> Result<(), (usize, NoPut)> {
        let mut encoded = Vec::new();
        // Encoding is code of the user's, which had better not run inside of the gate.
        if !is_raw::<T>() {
            for item in items {
                encoded.push(Outgoing::of(item).map_err(|error| (0, error.into()))?);
            }
        }
        let mut done = 0;
        while done < items.len() {
            let stored = self.put_by(Patience::Endless, || {
                let Some(mut putter) = self.core.open_putter(Patience::Endless)? else {
                    return Ok(None);
                };
                let before = done;
                while done < items.len() {
                    let number = match encoded.get(done) {
                        Some(item) => put_one(&mut putter, item)?,
                        None => put_one(&mut putter, &Outgoing::of(&items[done])?)?,
                    };
                    let Some(number) = number else { break };
                    if let Some(item) = encoded.get_mut(done) {
                        self.core.keep_parcel(number, item.take_parcel());
                    }
                    done += 1;
                }
                Ok((done > before).then_some(()))
            });
            stored.map_err(|refused| (done, refused))?;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn fetch(&self, patience: Patience) -> Result<T, NoGet> {
        let incoming = self.get_by(patience, || {
            let Some(mut taker) = self.core.open_taker(at_gate(patience))? else { return Ok(None) };
            take_one(&mut taker)
        })?;
        match incoming {
            Taken::Item(item) => Ok(item),
            Taken::Copy(copy) => Ok(copy.decode()?),
            Taken::Lost(error) => Err(error.into()),
        }
    }

    pub(crate) fn fetch_many(&self, max: usize, patience: Patience) -> Result<Vec<T>, NoGet> {
        if max == 0 {
            return Ok(Vec::new());
        }
        self.get_by(patience, || {
            let Some(mut taker) = self.core.open_taker(at_gate(patience))? else { return Ok(None) };
            take_many(&mut taker, max.min(self.core.len().max(1)))
        })
    }
}

/// Puts one; the number that it has, or `None` when there is no room.
#[inline]
fn put_one<T: Message>(
    putter: &mut Putter<'_, T>,
    item: &Outgoing<'_, T>,
) -> Result<Option<u32>, NoPut> {
    match putter.place(item.len()) {
        Ok(place) => {
            item.write(place.span)?;
            Ok(Some(putter.commit(place, item.kind())?))
        }
        Err(NoPlace::Full) if putter.is_bounded() => Ok(None),
        Err(NoPlace::Full) => Err(NoPut::Maximum),
        Err(NoPlace::Failed(error)) => Err(error.into()),
    }
}

/// What was taken.
pub(crate) enum Taken<T> {
    Item(T),
    /// To be decoded when others may take.
    Copy(Incoming),
    /// It cannot be had any more.
    Lost(Error),
}

/// Takes one, if there is one.
#[inline]
fn take_one<T: Message>(taker: &mut Taker<'_, T>) -> Result<Option<Taken<T>>, NoGet> {
    let Some(found) = taker.look()? else { return Ok(None) };
    let taken = match found.kind {
        Kind::Raw => Taken::Item(take_raw(found.span)?),
        kind => match Incoming::copy(found.span, kind) {
            Ok(copy) => Taken::Copy(copy),
            // For want of memory: it stays where it is.
            Err(error @ Error::System { .. }) => return Err(error.into()),
            Err(error) => Taken::Lost(error),
        },
    };
    taker.pass(found);
    taker.settle();
    Ok(Some(taken))
}

/// Takes at most so many, if there is one.
fn take_many<T: Message>(taker: &mut Taker<'_, T>, max: usize) -> Result<Option<Vec<T>>, NoGet> {
    let mut items = Vec::new();
    items
        .try_reserve(max)
        .map_err(|_| Error::system("take items out of a queue")(rustix::io::Errno::NOMEM))?;
    while items.len() < max
        && let Some(found) = taker.look()?
    {
        let item = match found.kind {
            Kind::Raw => take_raw(found.span),
            kind => Incoming::copy(found.span, kind).and_then(Incoming::decode),
        };
        match item {
            Ok(item) => items.push(item),
            // Those before it first; the next call finds it at the beginning.
            Err(_) if !items.is_empty() => break,
            Err(error) => {
                taker.pass(found);
                taker.settle();
                return Err(error.into());
            }
        }
        taker.pass(found);
    }
    taker.settle();
    Ok((!items.is_empty()).then_some(items))
}
