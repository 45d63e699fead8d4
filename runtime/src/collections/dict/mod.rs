//! `Dict<K, V>`: a hash map that all processes share.
//!
//! - [`root`]: what it begins with, and what needs no types; [`entries`]: entries, in place and in blocks of their own
//! - [`whole`]: all of them at once; [`iter`]: one after the other; [`key`]: what a key can be made of

mod entries;
mod iter;
mod key;
pub(crate) mod root;
mod whole;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fault::Fault;
use super::heap::Arena;
use super::heap::object::{Form, Head};
use super::nest::{self, Nested};
use super::object::{Handle, form, identity_of};
use crate::Result;
use crate::memory::layout::Hasher;
use crate::wire::Message;
pub use iter::{Iter, Keys, Values};
pub use key::IntoKey;
pub(crate) use root::empty;
use root::{InPart, Large, Part, Parts, Slots, Small, Spot};

/// For a handle that gives and takes.
type Invariant<T> = PhantomData<fn(T) -> T>;

/// A hash map that all processes share: Python's `dict` of a `Manager`.
///
/// It is a handle: clones lead to the same dict, and so does what a task gets that it is passed to. Keys and values are whatever can be sent to
/// another process ([`Message`]). If both are [`Shareable`](crate::Shareable) (numbers, `#[shared]` structs that are messages) and at most 256 bytes together, they
/// stand there as they are; others are encoded, each entry in a block of its own. A dict or a [`List`](crate::List) as a value stays one that is shared.
///
/// What [`get`](Self::get) gives is a copy: to change a value, [`insert`](Self::insert) or [`update`](Self::update) it. Readers do not wait for each other, and not
/// for those who write either, as a rule: they look again. Those who write wait for each other only in the same one of 16 parts (a dict inside of another
/// collection has one). It grows as needed, up to 8 GiB of memory for a collection with all that is in it.
///
/// # Fork and death
/// Whoever is killed in the middle of any method has done it or not: each entry is as before or as after, nothing is locked, and no
/// memory is lost. [`clear`](Self::clear) takes out all entries or none. [`extend`](Self::extend) and [`retain`](Self::retain) change
/// one entry after the other. When the last process that has a handle is gone, the kernel frees the memory.
///
/// # Examples
/// ```
/// use offspring::{Dict, process};
///
/// #[process]
/// fn count(text: &str, counts: &Dict<String, u32>) -> offspring::Result<()> {
///     for word in text.split_whitespace() {
///         counts.update_or_insert(word.to_owned(), 0, |count| *count += 1)?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let counts = Dict::new()?;
/// let children = ["to be or not", "to be"].map(|text| count::spawn(text, &counts));
/// for child in children {
///     child?.join()??;
/// }
/// assert_eq!(counts.get("to"), Some(2));
/// assert_eq!(counts.len(), 4);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "HashMap")]
#[doc(alias = "DictProxy")]
pub struct Dict<K: 'static, V: 'static> {
    handle: Handle<Head>,
    parts: Parts,
    hasher: FixedState,
    /// Entries are in blocks of their own.
    blocks: bool,
    _entries: Invariant<(K, V)>,
}

impl<K: Message + Hash + Eq, V: Message> Dict<K, V> {
    /// An empty dict.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    pub fn new() -> Result<Self> {
        let handle = Handle::<Large>::new(Self::identity(), Self::form())?.into_head();
        Self::seeded(handle)
    }

    /// An empty dict in the memory of `other`: it can be put into that, and stays shared while this handle is used.
    ///
    /// (A dict in memory of its own can be put into another collection as well, when nobody else has a handle: it moves there then.)
    ///
    /// # Errors
    /// As for [`new`](Self::new); [`Error::Full`](crate::Error::Full) when that collection has reached its maximum.
    pub fn new_in(other: &impl super::Collection) -> Result<Self> {
        Self::within(other.arena())
    }

    fn within(arena: &Arc<Arena>) -> Result<Self> {
        let handle = Handle::<Small>::within(arena, Self::identity(), Self::form())?.into_head();
        Self::seeded(handle)
    }

    /// Of a dict that nobody else knows yet.
    fn seeded(handle: Handle<Head>) -> Result<Self> {
        // Keys that a stranger has chosen must not all fall into the same slots.
        handle.seed.store(std::hash::RandomState::new().hash_one(handle.place.place), Relaxed);
        Self::with(handle)
    }

    fn with(handle: Handle<Head>) -> Result<Self> {
        let parts = Parts::of(handle.arena(), handle.place.place)?;
        let hasher = FixedState::with_seed(handle.seed.load(Relaxed));
        let blocks = Self::are_in_blocks();
        Ok(Self { handle, parts, hasher, blocks, _entries: PhantomData })
    }

    fn form() -> u64 {
        form(!Self::are_in_blocks(), [Form::Dict, Form::DictOfBlocks])
    }

    #[inline(always)]
    fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Goes into the part of this hash.
    #[inline(always)]
    fn enter(&self, hash: u64) -> Result<(&Part, InPart<'_>), Fault> {
        let part = self.parts.of_hash(&self.handle, hash);
        Ok((part, part.enter(self.handle.arena(), &self.handle, self.blocks)?))
    }

    #[inline(always)]
    fn slots(&self, part: &Part, inside: &InPart<'_>) -> Result<Slots<'_>, Fault> {
        Slots::of(part.table(inside), self.handle.arena())
    }

    /// A copy of the value of this key; `None` when there is none.
    ///
    /// (Also `None` when it cannot be read: see [`try_get`](Self::try_get).)
    #[inline]
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        if self.blocks {
            return self.get_encoded(hash, key);
        }
        match self.glimpse_in_place(hash, key) {
            Some(value) => value,
            None => self.try_get(key).ok().flatten(),
        }
    }

    #[inline(never)]
    fn get_encoded<Q>(&self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.glimpse_encoded(hash, key) {
            Some(Ok(value)) => value,
            _ => self.try_get(key).ok().flatten(),
        }
    }

    /// A copy of the value of this key, or why there is none.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when the bytes are not such a value, because its own serde code refuses what it has written;
    /// [`Error::Garbled`](crate::Error::Garbled) when somebody has overwritten the memory; [`Error::Lock`](crate::Error::Lock) from inside of this thread's own
    /// [`update`](Self::update), if others do not let it read otherwise.
    #[cold]
    pub fn try_get<Q>(&self, key: &Q) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (_, found) = self.find(&slots, hash, key, &inside)?;
        Ok(found.map(|(_, value)| value))
    }

    /// Whether there is a value for this key.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(key).is_some()
    }

    /// Has a key have this value; gives the one that it had, if it had one.
    ///
    /// # Errors
    /// [`Error::Encode`](crate::Error::Encode) when key or value cannot be encoded; [`Error::System`](crate::Error::System) when memory is full, and
    /// [`Error::Full`](crate::Error::Full) when the dict has reached its maximum; [`Error::Lock`](crate::Error::Lock) from inside of this thread's own [`update`](Self::update) of
    /// a key in the same part. The dict is as it was then.
    #[inline]
    pub fn insert(&self, key: K, value: V) -> Result<Option<V>> {
        if self.blocks {
            return self.insert_encoded(key, value);
        }
        self.insert_in_place(&key, &value)
    }

    #[inline(never)]
    fn insert_encoded(&self, key: K, value: V) -> Result<Option<V>> {
        let encoded = self.encoded(&key, &value)?;
        let hash = self.hash(&key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (spot, found) = self.find(&slots, hash, &key, &inside)?;
        let Spot::Found(at) = spot else {
            self.write_new(part, hash, (&key, &value), encoded.as_ref(), &inside)?;
            return Ok(None);
        };
        let orphaned = self.overwrite(part, &slots, at, &value, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(found.map(|(_, value)| value))
    }

    /// Takes a key out; gives the value that it had.
    ///
    /// # Errors
    /// [`Error::Lock`](crate::Error::Lock) and [`Error::Garbled`](crate::Error::Garbled) as for [`insert`](Self::insert) and [`try_get`](Self::try_get).
    #[doc(alias = "pop")]
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Ok(self.remove_entry(key)?.map(|(_, value)| value))
    }

    /// Takes a key out; gives it and the value that it had.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove).
    pub fn remove_entry<Q>(&self, key: &Q) -> Result<Option<(K, V)>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (spot, found) = self.find(&slots, hash, key, &inside)?;
        if let Spot::Found(at) = spot {
            let orphaned = self.take_out(part, &slots, at, &inside)?;
            self.reap(orphaned, inside);
        }
        Ok(found)
    }

    /// Changes the value of a key in one step: nobody else changes it meanwhile. Gives what `change` gives, or `None`, when there is no such key.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert) and [`try_get`](Self::try_get).
    ///
    /// # Panics
    /// When `change` does; nothing has changed then.
    ///
    /// # Fork and death
    /// The value is as before or as after. Whoever dies in `change` has changed nothing.
    pub fn update<Q, R>(&self, key: &Q, change: impl FnOnce(&mut V) -> R) -> Result<Option<R>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (Spot::Found(at), Some((key, mut value))) = self.find(&slots, hash, key, &inside)?
        else {
            return Ok(None);
        };
        let result = change(&mut value);
        let encoded = self.encoded(&key, &value)?;
        let orphaned = self.overwrite(part, &slots, at, &value, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(Some(result))
    }

    /// As [`update`](Self::update); a key that is not there is put in, with what becomes of `default`.
    ///
    /// # Errors
    /// As for [`update`](Self::update).
    ///
    /// # Panics
    /// When `change` does; nothing has changed then.
    pub fn update_or_insert<R>(
        &self,
        key: K,
        default: V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R> {
        let hash = self.hash(&key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (spot, found) = self.find(&slots, hash, &key, &inside)?;
        let (key, mut value) = found.unwrap_or((key, default));
        let result = change(&mut value);
        let encoded = self.encoded(&key, &value)?;
        if let Spot::Found(at) = spot {
            let orphaned = self.overwrite(part, &slots, at, &value, encoded.as_ref(), &inside)?;
            self.reap(orphaned, inside);
        } else {
            self.write_new(part, hash, (&key, &value), encoded.as_ref(), &inside)?;
        }
        Ok(result)
    }

    /// The value of a key; one that is not there is put in first, with what `make` gives.
    ///
    /// # Errors
    /// As for [`update`](Self::update).
    ///
    /// # Panics
    /// When `make` does; nothing has changed then.
    #[doc(alias = "setdefault")]
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> Result<V> {
        let hash = self.hash(&key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        if let (_, Some((_, value))) = self.find(&slots, hash, &key, &inside)? {
            return Ok(value);
        }
        let value = make();
        let encoded = self.encoded(&key, &value)?;
        self.write_new(part, hash, (&key, &value), encoded.as_ref(), &inside)?;
        // As all others get it: a collection that has moved in is another one now.
        let slots = self.slots(part, &inside)?;
        let (_, found) = self.find(&slots, hash, &key, &inside)?;
        found.map(|(_, value)| value).ok_or_else(|| Fault::Overwritten.into())
    }

    /// Has a key have `new` if it has `current`. Gives what it had: `Ok` if it was changed; `None` when there is no such key.
    ///
    /// # Errors
    /// As for [`update`](Self::update).
    pub fn compare_exchange<Q>(&self, key: &Q, current: &V, new: V) -> Result<Option<Result<V, V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        let hash = self.hash(key);
        let (part, inside) = self.enter(hash)?;
        let slots = self.slots(part, &inside)?;
        let (Spot::Found(at), Some((key, found))) = self.find(&slots, hash, key, &inside)? else {
            return Ok(None);
        };
        if found != *current {
            return Ok(Some(Err(found)));
        }
        let encoded = self.encoded(&key, &new)?;
        let orphaned = self.overwrite(part, &slots, at, &new, encoded.as_ref(), &inside)?;
        self.reap(orphaned, inside);
        Ok(Some(Ok(found)))
    }

    /// Takes all entries out, in one step, and gives their memory back.
    ///
    /// # Errors
    /// [`Error::Garbled`](crate::Error::Garbled) when somebody has overwritten the memory; [`Error::Lock`](crate::Error::Lock) from inside of this thread's own
    /// [`update`](Self::update): it is empty then, but what the part of that key has of memory is given back later.
    pub fn clear(&self) -> Result<()> {
        self.handle.next_life();
        for part in self.parts.all(&self.handle) {
            drop(part.enter(self.handle.arena(), &self.handle, self.blocks)?);
        }
        Ok(self.handle.arena().reap()?)
    }

    /// Out again, frees what nothing refers to any more.
    #[inline(always)]
    fn reap(&self, orphaned: bool, inside: InPart<'_>) {
        drop(inside);
        if orphaned {
            // If that fails, the next one who frees something does it.
            let _ = self.handle.arena().reap();
        }
    }
}

impl<K, V> Dict<K, V> {
    /// How many keys there were a moment ago.
    #[must_use]
    pub fn len(&self) -> usize {
        let life = self.handle.life();
        self.parts.all(&self.handle).iter().map(|part| part.len(life)).sum()
    }

    /// Whether there was no key a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two handles lead to the same dict, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.handle.ptr_eq(&other.handle)
    }
}

impl<K, V> Clone for Dict<K, V> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            parts: self.parts,
            hasher: self.hasher.clone(),
            blocks: self.blocks,
            _entries: PhantomData,
        }
    }
}

impl<K, V> fmt::Debug for Dict<K, V>
where
    K: Message + Hash + Eq + fmt::Debug,
    V: Message + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Message + Hash + Eq, V: Message> Nested for Dict<K, V> {
    type Root = Head;
    const NAME: &'static str = "Dict";

    fn identity() -> u64 {
        let identity = identity_of::<Self, K>(Hasher::start("dict"));
        identity_of::<Self, V>(identity).word(Self::are_in_blocks().into()).finish()
    }

    fn handle(&self) -> &Handle<Head> {
        &self.handle
    }

    fn over(handle: Handle<Head>) -> Result<Self> {
        Self::with(handle)
    }

    fn moved_to(&self, arena: &Arc<Arena>) -> Result<Self> {
        let moved = Self::within(arena)?;
        moved.extend(self)?;
        Ok(moved)
    }
}

impl<K: Message + Hash + Eq, V: Message> Serialize for Dict<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nest::serialize(self, serializer)
    }
}

impl<'de, K: Message + Hash + Eq, V: Message> Deserialize<'de> for Dict<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        nest::deserialize(deserializer)
    }
}

impl<K: Message + Hash + Eq, V: Message> super::Collection for Dict<K, V> {}

impl<K: Message + Hash + Eq, V: Message> super::InArena for Dict<K, V> {
    fn arena(&self) -> &Arc<Arena> {
        &self.handle.place.arena
    }
}
