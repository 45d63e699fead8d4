//! `Namespace`: named values of different types that all processes share.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::heap::Arena;
use super::{Collection, Dict, InArena};
use crate::Result;
use crate::wire::{Message, Pack, Unpack};

/// Named values, each of a type of its own, that all processes share: Python's `Namespace`.
///
/// It is a handle: clones lead to the same values, and so does what a task gets that it is passed to. A value is what
/// [`Message`]s are, but no handle; whoever gets it says which type it is.
///
/// # Fork and death
/// Whoever is killed in the middle of any method has done it or not, and holds nothing up.
///
/// # Examples
/// ```
/// use offspring::Namespace;
///
/// let settings = Namespace::new()?;
/// settings.set("threads", 4_u32)?;
/// settings.set("name", "worker".to_owned())?;
/// assert_eq!(settings.get::<u32>("threads")?, Some(4));
/// assert_eq!(settings.get::<String>("name")?.as_deref(), Some("worker"));
/// assert_eq!(settings.get::<u32>("depth")?, None);
/// assert!(settings.get::<u64>("threads").is_err(), "it is a u32");
/// # Ok::<(), offspring::Error>(())
/// ```
#[derive(Clone)]
pub struct Namespace(Dict<String, Named>);

/// A value in bytes, and which type it is.
#[derive(Clone, Serialize, Deserialize)]
struct Named {
    of: String,
    bytes: Vec<u8>,
}

impl Namespace {
    /// One without any values.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    pub fn new() -> Result<Self> {
        Dict::new().map(Self)
    }

    /// The same, in the memory of another collection, to be put into that.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`Error::Full`](crate::Error::Full) when that collection has reached its maximum.
    pub fn new_in(other: &impl Collection) -> Result<Self> {
        Dict::new_in(other).map(Self)
    }

    /// Gives a value a name, which may have had another one.
    ///
    /// # Errors
    /// As for [`Dict::insert`].
    pub fn set<T: Message>(&self, name: &str, value: T) -> Result<()> {
        let mut pack = Pack::new();
        pack.put(&value, name);
        let (bytes, descriptors) = pack.finish()?;
        if !descriptors.is_empty() {
            let reason = "it has a handle in it: pass that beside the namespace".to_owned();
            return Err(crate::Error::Encode { name: name.to_owned(), reason });
        }
        let of = std::any::type_name::<T>().to_owned();
        self.0.insert(name.to_owned(), Named { of, bytes }).map(drop)
    }

    /// The value of this name; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when it is of another type; otherwise as for [`Dict::try_get`].
    pub fn get<T: Message>(&self, name: &str) -> Result<Option<T>> {
        let Some(Named { of, bytes }) = self.0.try_get(name)? else { return Ok(None) };
        let wanted = std::any::type_name::<T>();
        if of != wanted {
            let reason = format!("it is a `{of}`, not a `{wanted}`");
            return Err(crate::Error::Decode { name: name.to_owned(), reason });
        }
        Unpack::new(&bytes, Vec::new()).take(name).map(Some)
    }

    /// Takes a name away; whether there was one.
    ///
    /// # Errors
    /// As for [`Dict::remove`].
    #[doc(alias = "delattr")]
    pub fn remove(&self, name: &str) -> Result<bool> {
        Ok(self.0.remove(name)?.is_some())
    }

    /// Whether something has this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.keys().collect();
        names.sort();
        names
    }

    /// Whether two handles lead to the same values, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

/// Shows the names, and which types they are of. As in Python, those that begin with `_` are hidden.
impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: Vec<_> = self.0.iter().filter(|(name, _)| !name.starts_with('_')).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let mut shown = f.debug_struct("Namespace");
        all.iter().for_each(|(name, value)| _ = shown.field(name, &format_args!("{}", value.of)));
        shown.finish()
    }
}

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Namespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Dict::deserialize(deserializer).map(Self)
    }
}

impl Collection for Namespace {}

impl InArena for Namespace {
    fn arena(&self) -> &Arc<Arena> {
        self.0.arena()
    }
}
