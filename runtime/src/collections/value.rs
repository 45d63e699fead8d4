//! `Value<T>`: one value that all processes share.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::heap::Arena;
use super::{Collection, InArena, List};
use crate::wire::Message;
use crate::{Error, Result};

/// One value that all processes share: Python's `Value`.
///
/// It is a handle: clones lead to the same value, and so does what a task gets that it is passed to. Any [`Message`] will do; numbers and the like
/// stand there as they are. What [`get`](Self::get) gives is a copy. Every method is one step: [`update`](Self::update) is what `value += 1` has to be
/// where others do the same. (For a number that is only ever added to, a [`Shared`](crate::Shared) atomic is faster, and for what is used for longer, a
/// [`Mutex`](crate::sync::Mutex).)
///
/// # Fork and death
/// Whoever is killed in the middle of any method has done it or not, and holds nothing up.
///
/// # Examples
/// ```
/// use offspring::{Value, process};
///
/// #[process]
/// fn add(total: &Value<f64>, amount: f64) -> offspring::Result<()> {
///     total.update(|total| *total += amount)
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let total = Value::new(1.5)?;
/// let children = [1.0, 2.0].map(|amount| add::spawn(&total, amount));
/// for child in children {
///     child?.join()??;
/// }
/// assert_eq!(total.get(), 4.5);
/// # Ok(())
/// # }
/// ```
pub struct Value<T: 'static>(List<T>);

impl<T: Message> Value<T> {
    /// A shared value that is this one at first.
    ///
    /// # Errors
    /// [`Error::System`] when there is no memory or no descriptor left; [`Error::Encode`] when it cannot be encoded.
    pub fn new(value: T) -> Result<Self> {
        List::from([value]).map(Self)
    }

    /// The same, in the memory of another collection, to be put into that.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`Error::Full`] when that collection has reached its maximum.
    pub fn new_in(other: &impl Collection, value: T) -> Result<Self> {
        let list = List::new_in(other)?;
        list.push(value)?;
        Ok(Self(list))
    }

    /// A copy of the value.
    ///
    /// # Panics
    /// When it cannot be read: [`try_get`](Self::try_get) says why instead.
    #[inline]
    #[must_use]
    pub fn get(&self) -> T {
        match self.0.get(0) {
            Some(value) => value,
            None => {
                self.try_get().unwrap_or_else(|error| panic!("a `Value` cannot be read: {error}"))
            }
        }
    }

    /// A copy of the value, or why there is none.
    ///
    /// # Errors
    /// As for [`List::try_get`].
    pub fn try_get(&self) -> Result<T> {
        self.0.try_get(0)?.ok_or_else(gone)
    }

    /// Has it be another one.
    ///
    /// # Errors
    /// As for [`List::set`].
    pub fn set(&self, value: T) -> Result<()> {
        self.swap(value).map(drop)
    }

    /// Has it be another one; gives the one that it was.
    ///
    /// # Errors
    /// As for [`List::set`].
    pub fn swap(&self, value: T) -> Result<T> {
        self.0.set(0, value)?.ok_or_else(gone)
    }

    /// Changes it in one step: nobody else changes it meanwhile. Gives what `change` gives.
    ///
    /// # Errors
    /// As for [`List::update`].
    ///
    /// # Panics
    /// When `change` does; nothing has changed then.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R> {
        self.0.update(0, change)?.ok_or_else(gone)
    }

    /// Has it be `new` if it is `current`. Gives what it was: `Ok` if it was changed.
    ///
    /// # Errors
    /// As for [`List::compare_exchange`].
    pub fn compare_exchange(&self, current: &T, new: T) -> Result<Result<T, T>>
    where
        T: PartialEq,
    {
        self.0.compare_exchange(0, current, new)?.ok_or_else(gone)
    }
}

/// A list of one item has none.
fn gone() -> Error {
    Error::Garbled { reason: "a `Value` has lost its value".to_owned() }
}

impl<T> Value<T> {
    /// Whether two handles lead to the same value, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Message + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_get() {
            Ok(value) => f.debug_tuple("Value").field(&value).finish(),
            Err(error) => f.debug_tuple("Value").field(&error).finish(),
        }
    }
}

impl<T: Message> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Message> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        List::deserialize(deserializer).map(Self)
    }
}

impl<T: Message> Collection for Value<T> {}

impl<T: Message> InArena for Value<T> {
    fn arena(&self) -> &Arc<Arena> {
        self.0.arena()
    }
}
