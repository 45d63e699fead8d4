//! How handles travel inside values: the descriptor beside the bytes, its place in them.
//!
//! serde hands a value only a serializer, so the descriptors of the message under way are kept in a
//! thread-local table while one is being written or read.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Shareable, Shared};

/// What the message that this thread is writing or reading has beside its bytes.
struct Table {
    way: Way,
    exports: Vec<Arc<OwnedFd>>,
    imports: Vec<Option<OwnedFd>>,
    /// What went wrong, in words: postcard keeps no text of a custom error.
    reason: Option<String>,
}

/// Which way a message goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nowhere,
    Out,
    In,
}

// One table, not three: its destructor is registered once, in the fork server, and not in every child.
thread_local! {
    static TABLE: RefCell<Table> = const {
        RefCell::new(Table {
            way: Way::Nowhere,
            exports: Vec::new(),
            imports: Vec::new(),
            reason: None,
        })
    };
}

/// A message under way, whose list changes places with the table's. When it is done, or the user's serde code has panicked, what was
/// under way before is again; only the reason of a failure stays to be asked for.
struct Under<'a, T> {
    list: &'a mut Vec<T>,
    place: fn(&mut Table) -> &mut Vec<T>,
    before: Way,
}

impl<'a, T> Under<'a, T> {
    fn way(way: Way, place: fn(&mut Table) -> &mut Vec<T>, list: &'a mut Vec<T>) -> Self {
        let before = TABLE.with_borrow_mut(|table| {
            mem::swap(place(table), list);
            table.reason = None;
            mem::replace(&mut table.way, way)
        });
        Self { list, place, before }
    }
}

impl<T> Drop for Under<'_, T> {
    fn drop(&mut self) {
        TABLE.with_borrow_mut(|table| {
            mem::swap((self.place)(table), self.list);
            table.way = self.before;
        });
    }
}

/// Runs `encode`; handles that it meets are appended to `descriptors`.
pub(super) fn exporting<R>(descriptors: &mut Vec<Arc<OwnedFd>>, encode: impl FnOnce() -> R) -> R {
    let _restore = Under::way(Way::Out, |table| &mut table.exports, descriptors);
    encode()
}

/// Runs `decode`; handles that it meets are taken from `descriptors`.
pub(super) fn importing<R>(
    descriptors: &mut Vec<Option<OwnedFd>>,
    decode: impl FnOnce() -> R,
) -> R {
    let _restore = Under::way(Way::In, |table| &mut table.imports, descriptors);
    decode()
}

/// Why the last encoding or decoding of this thread failed.
pub(super) fn reason(error: &postcard::Error) -> String {
    TABLE.with_borrow_mut(|table| table.reason.take()).unwrap_or_else(|| match error {
        postcard::Error::DeserializeUnexpectedEnd => "the bytes end too early".to_owned(),
        postcard::Error::SerdeSerCustom | postcard::Error::SerdeDeCustom => {
            "its own serde code refused it (a path or text that is not UTF-8?)".to_owned()
        }
        other => other.to_string(),
    })
}

/// Keeps `text` for [`reason`], and gives it back.
pub(crate) fn explain(text: impl fmt::Display) -> String {
    let text = text.to_string();
    TABLE.with_borrow_mut(|table| table.reason = Some(text.clone()));
    text
}

/// Notes a descriptor to travel; gives its place in the message.
pub(crate) fn export(descriptor: &Arc<OwnedFd>) -> Result<u32, String> {
    let place = TABLE.with_borrow_mut(|table| {
        if table.way != Way::Out {
            return None;
        }
        table.exports.push(Arc::clone(descriptor));
        u32::try_from(table.exports.len() - 1).ok()
    });
    place.ok_or_else(|| {
        explain("a handle can only travel as an argument, a result or a message of offspring")
    })
}

pub(crate) fn import(place: u32) -> Result<OwnedFd, String> {
    let descriptor = TABLE.with_borrow_mut(|table| {
        if table.way != Way::In {
            return None;
        }
        table.imports.get_mut(usize::try_from(place).ok()?)?.take()
    });
    descriptor.ok_or_else(|| explain("the handle's descriptor did not come with the message"))
}

/// A descriptor as a value.
#[derive(Debug, Clone)]
pub(crate) struct Carried(pub(crate) Arc<OwnedFd>);

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        export(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = import(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Ok(Self(Arc::new(descriptor)))
    }
}

impl<T: ?Sized> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        export(self.descriptor()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = import(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Self::from_descriptor(descriptor).map_err(|error| D::Error::custom(explain(error)))
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Shared<[T]> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = import(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Self::from_descriptor(descriptor).map_err(|error| D::Error::custom(explain(error)))
    }
}
