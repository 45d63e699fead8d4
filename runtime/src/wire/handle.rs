//! How handles travel inside values: the descriptor beside the bytes, its place in them.
//!
//! serde hands a value only a serializer, so the descriptors of the message under way are kept in a
//! thread-local table while one is being written or read.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Shareable, Shared};

thread_local! {
    static EXPORTS: RefCell<Option<Vec<Arc<OwnedFd>>>> = const { RefCell::new(None) };
    static IMPORTS: RefCell<Option<Vec<Option<OwnedFd>>>> = const { RefCell::new(None) };
    /// What went wrong, in words: postcard keeps no text of a custom error.
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `encode`; handles that it meets are appended to `descriptors`.
pub(super) fn exporting<R>(
    descriptors: &mut Vec<Arc<OwnedFd>>,
    encode: impl FnOnce() -> R,
) -> R {
    REASON.take();
    let outer = EXPORTS.replace(Some(std::mem::take(descriptors)));
    let result = encode();
    *descriptors = EXPORTS.replace(outer).unwrap_or_default();
    result
}

/// Runs `decode`; handles that it meets are taken from `descriptors`.
pub(super) fn importing<R>(
    descriptors: &mut Vec<Option<OwnedFd>>,
    decode: impl FnOnce() -> R,
) -> R {
    REASON.take();
    let outer = IMPORTS.replace(Some(std::mem::take(descriptors)));
    let result = decode();
    *descriptors = IMPORTS.replace(outer).unwrap_or_default();
    result
}

/// Why the last encoding or decoding of this thread failed.
pub(super) fn reason(error: &postcard::Error) -> String {
    REASON.take().unwrap_or_else(|| match error {
        postcard::Error::DeserializeUnexpectedEnd => "the bytes end too early".to_owned(),
        postcard::Error::SerdeSerCustom | postcard::Error::SerdeDeCustom => {
            "its own serde code refused it (a path or text that is not UTF-8?)".to_owned()
        }
        other => other.to_string(),
    })
}

fn explain(text: impl fmt::Display) -> String {
    let text = text.to_string();
    REASON.set(Some(text.clone()));
    text
}

/// Notes a descriptor to travel; gives its place in the message.
fn export(descriptor: &Arc<OwnedFd>) -> Result<u32, String> {
    EXPORTS.with_borrow_mut(|exports| {
        let exports = exports.as_mut().ok_or_else(|| {
            explain("a handle can only travel as an argument, a result or a message of offspring")
        })?;
        exports.push(Arc::clone(descriptor));
        u32::try_from(exports.len() - 1).map_err(|_| explain("too many handles in one message"))
    })
}

fn import(place: u32) -> Result<OwnedFd, String> {
    IMPORTS.with_borrow_mut(|imports| {
        imports
            .as_mut()
            .and_then(|imports| imports.get_mut(place as usize)?.take())
            .ok_or_else(|| explain("the handle's descriptor did not come with the message"))
    })
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
