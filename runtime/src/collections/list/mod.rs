//! `List<T>`: a vector that all processes share.
//!
//! - [`root`]: what it begins with, and what needs no types; [`items`]: items, in place and in blocks of their own
//! - [`whole`]: all of them at once; [`iter`]: one after the other

mod items;
mod iter;
pub(crate) mod root;
mod whole;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fault::Fault;
use super::heap::Arena;
use super::heap::object::Form;
use super::in_place::is_in_place;
use super::nest::{self, Nested};
use super::object::{Handle, form, identity_of};
use super::stored::Encoded;
use crate::Result;
use crate::memory::layout::Hasher;
use crate::wire::Message;
pub use iter::Iter;
use root::ListRoot;
pub(crate) use root::empty;

/// A vector that all processes share: Python's `list` of a `Manager`.
///
/// It is a handle: clones lead to the same list, and so does what a task gets that it is passed to. Items are whatever can be sent to
/// another process ([`Message`]). Numbers, `#[shared]` structs that are messages and whatever else is [`Shareable`](crate::Shareable) and at most 256 bytes
/// large stand there as they are; others are encoded, each in a block of its own. A list in a list, or in a [`Dict`](crate::Dict), stays a list that is shared.
///
/// What [`get`](Self::get) gives is a copy: to change an item, [`set`](Self::set) or [`update`](Self::update) it. Readers do not wait for each other, and not
/// for those who write either, as a rule: they look again. The list grows as needed, up to 8 GiB of memory for a collection with all that is in it.
///
/// # Fork and death
/// Whoever is killed in the middle of any method has done it or not: the list is as before or as after, it is not locked, and no
/// memory is lost. [`extend`](Self::extend), [`update_all`](Self::update_all) and the others that change many items change all of them or none.
/// When the last process that has a handle is gone, the kernel frees the memory.
///
/// # Examples
/// ```
/// use offspring::{List, process};
///
/// #[process]
/// fn square(numbers: &List<u64>, from: usize) -> offspring::Result<()> {
///     for index in from..from + 50 {
///         numbers.update(index, |number| *number *= *number)?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let numbers = List::from_iter(0..100)?;
/// let children = [square::spawn(&numbers, 0)?, square::spawn(&numbers, 50)?];
/// for child in children {
///     child.join()??;
/// }
/// assert_eq!(numbers.get(99), Some(9801));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "ListProxy")]
pub struct List<T: 'static> {
    pub(crate) handle: Handle<ListRoot>,
    /// Items are in blocks of their own.
    blocks: bool,
    _items: PhantomData<fn(T) -> T>,
}

impl<T: Message> List<T> {
    /// An empty list.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    pub fn new() -> Result<Self> {
        Handle::new(Self::identity(), Self::form()).and_then(Self::over)
    }

    /// An empty list in the memory of `other`: it can be put into that, and stays shared while this handle is used.
    ///
    /// (A list in memory of its own can be put into another collection as well, when nobody else has a handle: it moves there then.)
    ///
    /// # Errors
    /// As for [`new`](Self::new); [`Error::Full`](crate::Error::Full) when that collection has reached its maximum.
    pub fn new_in(other: &impl super::Collection) -> Result<Self> {
        Self::within(other.arena())
    }

    pub(crate) fn within(arena: &Arc<Arena>) -> Result<Self> {
        Handle::within(arena, Self::identity(), Self::form()).and_then(Self::over)
    }

    fn form() -> u64 {
        form(is_in_place::<T>(), [Form::List, Form::ListOfBlocks])
    }

    /// A copy of the item at this place; `None` when the list is not that long.
    ///
    /// (Also `None` when it cannot be read: see [`try_get`](Self::try_get).)
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        match self.glimpse(index) {
            Some(Ok(item)) => item,
            _ => self.try_get(index).ok().flatten(),
        }
    }

    /// A copy of the item at this place, or why there is none.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when the bytes are not such an item, because its own serde code refuses what it has written;
    /// [`Error::Garbled`](crate::Error::Garbled) when somebody has overwritten the memory; [`Error::Lock`](crate::Error::Lock) from inside of this thread's own
    /// [`update`](Self::update), if others do not let it read otherwise.
    #[cold]
    pub fn try_get(&self, index: usize) -> Result<Option<T>> {
        let inside = self.enter()?;
        if index < self.len() { self.read(index, &inside).map(Some) } else { Ok(None) }
    }

    /// The first item.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.get(0)
    }

    /// The last item.
    #[must_use]
    pub fn last(&self) -> Option<T> {
        let inside = self.enter().ok()?;
        self.read(self.len().checked_sub(1)?, &inside).ok()
    }

    /// Puts an item at the end.
    ///
    /// # Errors
    /// [`Error::Encode`](crate::Error::Encode) when it cannot be encoded; [`Error::System`](crate::Error::System) when memory is full, and
    /// [`Error::Full`](crate::Error::Full) when the list has reached its maximum; [`Error::Lock`](crate::Error::Lock) from inside of this thread's own [`update`](Self::update).
    /// The list is as it was then.
    #[inline]
    #[doc(alias = "append")]
    pub fn push(&self, item: T) -> Result<()> {
        if self.blocks {
            return self.push_encoded(&item);
        }
        Ok(self.push_in_place(&item)?)
    }

    #[inline(always)]
    fn push_in_place(&self, item: &T) -> Result<(), Fault> {
        let inside = self.enter()?;
        let len = self.handle.len();
        let (block, capacity) = self.handle.items(size_of::<T>());
        if len >= capacity {
            return self.push_with_more_room(item, None, &inside);
        }
        self.write_in_place(block, capacity, len, item, &inside)?;
        self.handle.set_len(len + 1, &inside);
        inside.leave();
        Ok(())
    }

    #[inline(never)]
    fn push_encoded(&self, item: &T) -> Result<()> {
        let encoded = self.encoded(item)?;
        let inside = self.enter()?;
        Ok(self.push_with_more_room(item, encoded.as_ref(), &inside)?)
    }

    #[cold]
    #[inline(never)]
    fn push_with_more_room(
        &self,
        item: &T,
        encoded: Option<&Encoded>,
        inside: &root::InList<'_>,
    ) -> Result<(), Fault> {
        let len = self.count(inside)?;
        self.make_room(len + 1, inside)?;
        self.write_new(len, item, encoded, inside)?;
        self.handle.set_len(len + 1, inside);
        Ok(())
    }

    /// Takes the last item; `None` when there is none.
    ///
    /// # Errors
    /// As for [`try_get`](Self::try_get).
    pub fn pop(&self) -> Result<Option<T>> {
        let inside = self.enter()?;
        let Some(last) = self.len().checked_sub(1) else { return Ok(None) };
        let item = self.read(last, &inside)?;
        self.cut(last..last + 1, inside)?;
        Ok(Some(item))
    }

    /// Puts another item in this place; gives the one that was there, or `None`, when the list is not that long: then nothing has changed.
    ///
    /// # Errors
    /// As for [`push`](Self::push) and [`try_get`](Self::try_get).
    #[doc(alias = "replace")]
    pub fn set(&self, index: usize, item: T) -> Result<Option<T>> {
        let encoded = self.encoded(&item)?;
        let inside = self.enter()?;
        if index >= self.len() {
            return Ok(None);
        }
        let old = self.read(index, &inside)?;
        let orphaned = self.overwrite(index, &item, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(Some(old))
    }

    /// Changes the item at this place in one step: nobody else changes the list meanwhile. Gives what `change` gives, or `None`, when the
    /// list is not that long.
    ///
    /// # Errors
    /// As for [`push`](Self::push) and [`try_get`](Self::try_get).
    ///
    /// # Panics
    /// When `change` does; nothing has changed then.
    ///
    /// # Fork and death
    /// The item is as before or as after. Whoever dies in `change` has changed nothing.
    pub fn update<R>(&self, index: usize, change: impl FnOnce(&mut T) -> R) -> Result<Option<R>> {
        let inside = self.enter()?;
        if index >= self.len() {
            return Ok(None);
        }
        let mut item = self.read(index, &inside)?;
        let result = change(&mut item);
        let encoded = self.encoded(&item)?;
        let orphaned = self.overwrite(index, &item, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(Some(result))
    }

    /// Puts `new` in this place if `current` is there. Gives what was there: `Ok` if it was changed; `None` when the list is not that long.
    ///
    /// # Errors
    /// As for [`push`](Self::push) and [`try_get`](Self::try_get).
    pub fn compare_exchange(
        &self,
        index: usize,
        current: &T,
        new: T,
    ) -> Result<Option<Result<T, T>>>
    where
        T: PartialEq,
    {
        let encoded = self.encoded(&new)?;
        let inside = self.enter()?;
        if index >= self.len() {
            return Ok(None);
        }
        let found = self.read(index, &inside)?;
        if found != *current {
            return Ok(Some(Err(found)));
        }
        let orphaned = self.overwrite(index, &new, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(Some(Ok(found)))
    }

    /// Shortens the list to this length; a list that is not longer stays as it is.
    ///
    /// # Errors
    /// [`Error::Garbled`](crate::Error::Garbled) and [`Error::Lock`](crate::Error::Lock) as for [`try_get`](Self::try_get).
    pub fn truncate(&self, len: usize) -> Result<()> {
        let inside = self.enter()?;
        let before = self.len();
        if len < before { self.cut(len..before, inside) } else { Ok(()) }
    }

    /// Takes all items out, and gives their memory back.
    ///
    /// # Errors
    /// As for [`truncate`](Self::truncate).
    pub fn clear(&self) -> Result<()> {
        let inside = self.enter()?;
        let orphaned = self.handle.clear(self.handle.arena(), self.blocks, &inside)?;
        self.reap(orphaned, inside);
        Ok(())
    }

    /// One store has the list end where these begin; then they are freed. Behind them is nothing: who leaves something there frees it,
    /// or dies, and then the next one does.
    fn cut(&self, range: std::ops::Range<usize>, inside: root::InList<'_>) -> Result<()> {
        self.handle.set_len(range.start, &inside);
        // Readers may be copying what is about to be used for something else.
        inside.tell_readers();
        if self.blocks {
            let orphaned = self.handle.free_range(self.handle.arena(), range, &inside)?;
            self.reap(orphaned, inside);
        }
        Ok(())
    }

    /// Out again, frees what nothing refers to any more.
    #[inline(always)]
    fn reap(&self, orphaned: bool, inside: root::InList<'_>) {
        drop(inside);
        if orphaned {
            // If that fails, the next one who frees something does it.
            let _ = self.handle.arena().reap();
        }
    }
}

impl<T> List<T> {
    /// How many items there were a moment ago.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.handle.len()
    }

    /// Whether there was no item a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two handles lead to the same list, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.handle.ptr_eq(&other.handle)
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), blocks: self.blocks, _items: PhantomData }
    }
}

impl<T: Message + fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T: Message> Nested for List<T> {
    type Root = ListRoot;
    const NAME: &'static str = "List";

    fn identity() -> u64 {
        identity_of::<Self, T>(Hasher::start("list")).finish()
    }

    fn handle(&self) -> &Handle<ListRoot> {
        &self.handle
    }

    fn over(handle: Handle<ListRoot>) -> Result<Self> {
        Ok(Self { handle, blocks: !is_in_place::<T>(), _items: PhantomData })
    }

    fn moved_to(&self, arena: &Arc<Arena>) -> Result<Self> {
        let moved = Self::within(arena)?;
        moved.extend(self.to_vec()?)?;
        Ok(moved)
    }
}

impl<T: Message> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nest::serialize(self, serializer)
    }
}

impl<'de, T: Message> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        nest::deserialize(deserializer)
    }
}

impl<T: Message> super::Collection for List<T> {}

impl<T: Message> super::InArena for List<T> {
    fn arena(&self) -> &Arc<Arena> {
        &self.handle.place.arena
    }
}
