//! How a collection stands inside of a value of another one: by a reference, as long as both are in the same memory.
//!
//! serde hands a value only a serializer, so what is under way is known to the thread. A collection in memory of its own, of which nobody
//! else has a handle, moves into the memory of the one that it is put into; another one cannot, for those who have it would
//! go on with what is not in there.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::heap::control::REFS_MAX;
use super::heap::{Arena, Ref};
use super::object::{Handle, Place, Root};
use crate::wire::{explain, export, import};
use crate::{Error, Result};

/// A value on its way into a collection's memory.
#[derive(Debug)]
struct Storing {
    arena: Arc<Arena>,
    refs: Vec<Ref>,
    /// Handles of what has moved in, until something refers to it.
    kept: Vec<Box<dyn Any>>,
    /// The memory that is being moved out of: what is in there has no other handles.
    leaving: Vec<Arc<Arena>>,
}

/// A value on its way out.
#[derive(Debug)]
struct Reading {
    arena: Arc<Arena>,
    refs: Vec<Ref>,
}

thread_local! {
    static STORING: RefCell<Option<Storing>> = const { RefCell::new(None) };
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Puts back what was under way before, also when the user's serde code panics.
struct Restore<T: 'static>(&'static std::thread::LocalKey<RefCell<Option<T>>>, Option<Option<T>>);

impl<T> Restore<T> {
    fn after(key: &'static std::thread::LocalKey<RefCell<Option<T>>>, now: Option<T>) -> Self {
        Self(key, Some(key.replace(now)))
    }

    fn finish(mut self) -> Option<T> {
        self.0.replace(self.1.take().flatten())
    }
}

impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        if let Some(before) = self.1.take() {
            self.0.replace(before);
        }
    }
}

/// What a value refers to; dropped when the collection refers to that.
#[derive(Debug, Default)]
pub(crate) struct References {
    pub(crate) refs: Vec<Ref>,
    _kept: Vec<Box<dyn Any>>,
}

/// Runs `encode` for a value that goes into this memory.
pub(crate) fn storing<R>(arena: &Arc<Arena>, encode: impl FnOnce() -> R) -> (R, References) {
    let leaving = STORING.with_borrow(|before| {
        before.as_ref().map_or_else(Vec::new, |before| before.leaving.clone())
    });
    let now = Storing { arena: Arc::clone(arena), refs: Vec::new(), kept: Vec::new(), leaving };
    let restore = Restore::after(&STORING, Some(now));
    let encoded = encode();
    let references = restore
        .finish()
        .map_or_else(References::default, |done| References { refs: done.refs, _kept: done.kept });
    (encoded, references)
}

/// Runs `decode` for a value of this memory that refers to these.
pub(crate) fn reading<R>(arena: &Arc<Arena>, refs: Vec<Ref>, decode: impl FnOnce() -> R) -> R {
    let now = Reading { arena: Arc::clone(arena), refs };
    let _restore = Restore::after(&READING, Some(now));
    decode()
}

/// A collection that can move.
pub(crate) trait Nested: Sized + 'static {
    type Root: Root;
    const NAME: &'static str;
    fn identity() -> u64;
    fn handle(&self) -> &Handle<Self::Root>;
    fn over(handle: Handle<Self::Root>) -> Result<Self>;
    /// The same items in this memory.
    fn moved_to(&self, arena: &Arc<Arena>) -> Result<Self>;
}

/// Where a collection stands to the value that is being stored.
enum Standing {
    /// No value is: it is a message.
    Message,
    Inside,
    Movable(Arc<Arena>),
    Elsewhere,
}

fn standing(place: &Arc<Place>) -> Standing {
    STORING.with_borrow(|storing| match storing {
        None => Standing::Message,
        Some(now) if Arc::ptr_eq(&now.arena, &place.arena) || now.arena.is_same(&place.arena) => {
            Standing::Inside
        }
        Some(now)
            if place.is_sole() || now.leaving.iter().any(|it| Arc::ptr_eq(it, &place.arena)) =>
        {
            Standing::Movable(Arc::clone(&now.arena))
        }
        Some(_) => Standing::Elsewhere,
    })
}

/// Notes a reference; gives its number in the value.
fn refer(place: Ref, kept: Option<Box<dyn Any>>) -> Result<u32, String> {
    STORING.with_borrow_mut(|storing| {
        let now = storing.as_mut().ok_or_else(|| explain("the value is not being stored"))?;
        if now.refs.len() == REFS_MAX {
            return Err(explain("a value can have at most 64 collections in it"));
        }
        now.refs.push(place);
        now.kept.extend(kept);
        Ok(now.refs.len() as u32 - 1)
    })
}

/// Moves a collection of which nobody else has a handle, and all that is in it.
fn moved<C: Nested>(collection: &C, arena: &Arc<Arena>) -> Result<u32, String> {
    let from = &collection.handle().place.arena;
    STORING
        .with_borrow_mut(|now| now.iter_mut().for_each(|now| now.leaving.push(Arc::clone(from))));
    let moved = collection.moved_to(arena).map_err(explain);
    STORING.with_borrow_mut(|now| now.iter_mut().for_each(|now| _ = now.leaving.pop()));
    let moved = moved?;
    refer(moved.handle().place.place, Some(Box::new(moved)))
}

pub(crate) fn serialize<C: Nested, S: Serializer>(
    collection: &C,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let place = &collection.handle().place;
    let number = match standing(place) {
        Standing::Message => {
            let descriptor = place.hand_on().map_err(|error| S::Error::custom(explain(error)))?;
            let number = export(&descriptor).map_err(S::Error::custom)?;
            return (number, place.place.0).serialize(serializer);
        }
        Standing::Inside => refer(place.place, Some(Box::new(Arc::clone(place)))),
        Standing::Movable(arena) => moved(collection, &arena),
        Standing::Elsewhere => Err(explain(format!(
            "a `{}` that others have handles of lives in memory of its own: make it with `new_in`, in the memory of the \
             collection that it is to be in, or put it in first and get it from there",
            C::NAME
        ))),
    };
    (number.map_err(S::Error::custom)?, 0_u32).serialize(serializer)
}

pub(crate) fn deserialize<'de, C: Nested, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<C, D::Error> {
    let (number, place) = <(u32, u32)>::deserialize(deserializer)?;
    let found = READING.with_borrow(|reading| {
        let reading = reading.as_ref()?;
        Some((Arc::clone(&reading.arena), reading.refs.get(number as usize).copied()))
    });
    let handle = match found {
        Some((arena, Some(object))) => Handle::inside(&arena, object, C::identity(), C::NAME),
        Some((_, None)) => Err(Error::Garbled { reason: "a value refers to nothing".to_owned() }),
        None => {
            let fd = import(number).map_err(D::Error::custom)?;
            Handle::attach(fd, Ref(place), C::identity(), C::NAME)
        }
    };
    handle.and_then(C::over).map_err(|error| D::Error::custom(explain(error)))
}
