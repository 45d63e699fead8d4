//! A message of a connection as it came, before anybody has asked for it: where its bytes go is for the receiver to say,
//! so that large ones are copied once.

use std::borrow::Cow;
use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;

use super::packet::Content;
use super::spill::Rest;
use super::{Unpack, bulk, decode_error};
use crate::Result;

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(super) content: Content,
    /// Its bytes, or the first of them.
    pub(super) start: Cow<'a, [u8]>,
    pub(super) rest: Option<Rest>,
    pub(super) descriptors: Vec<OwnedFd>,
}

impl<'a> Incoming<'a> {
    /// A message without descriptors.
    pub(crate) fn whole(content: Content, body: Vec<u8>) -> Self {
        Self { content, start: Cow::Owned(body), rest: None, descriptors: Vec::new() }
    }

    pub(crate) fn content(&self) -> Content {
        self.content
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.start.len() + self.rest.as_ref().map_or(0, Rest::len)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory for them.
    pub(crate) fn into_bytes(self) -> Result<Cow<'a, [u8]>> {
        match self.rest {
            None => Ok(self.start),
            Some(rest) => Ok(Cow::Owned(rest.after(&self.start)?)),
        }
    }

    /// Puts its bytes into a buffer of as many.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when they cannot be read.
    pub(crate) fn copy_to(&self, buffer: &mut [u8]) -> Result<()> {
        let (start, room) = buffer.split_at_mut(self.start.len());
        start.copy_from_slice(&self.start);
        self.rest.as_ref().map_or(Ok(()), |rest| rest.copy_to(room))
    }

    /// The value that it is.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) when it is another one, [`Error::System`](crate::Error::System) when there is
    /// no memory for it.
    pub(crate) fn into_value<T: DeserializeOwned + 'static>(self, name: &str) -> Result<T> {
        if let Some(rest) = &self.rest
            && let Some(taken) = bulk::take_in_parts(&self.start, rest)
        {
            return taken?.ok_or_else(|| decode_error(name, "its length does not fit"));
        }
        let Self { start, rest, descriptors, .. } = self;
        match rest {
            None => Unpack::new(&start, descriptors).take(name),
            Some(rest) => Unpack::new(&rest.after(&start)?, descriptors).take(name),
        }
    }
}
