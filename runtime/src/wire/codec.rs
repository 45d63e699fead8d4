//! A row of values as bytes and descriptors: postcard behind a face that can change.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{bulk, decode_error, handle};
use crate::{Error, Result};

/// Values on their way out.
///
/// Packing cannot fail; a value that cannot be encoded is remembered and reported when the message
/// is to be sent.
#[derive(Debug, Default)]
pub struct Pack {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptors: Vec<Arc<OwnedFd>>,
    fault: Option<(String, String)>,
}

impl Pack {
    /// An empty row.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty row with room for so many bytes.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Appends a value; `name` is what an error calls it.
    pub fn put<T: Serialize + 'static>(&mut self, value: &T, name: &str) {
        if !bulk::put(value, &mut self.bytes) {
            self.encode(value, name);
        }
    }

    /// Appends a slice as the vector that the receiver will get.
    pub fn put_slice<T: Serialize + 'static>(&mut self, values: &[T], name: &str) {
        if !bulk::put_slice(values, &mut self.bytes) {
            self.encode(values, name);
        }
    }

    /// Appends bytes as they are; read back with [`Unpack::bytes`].
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        bulk::put_slice(bytes, &mut self.bytes);
    }

    fn encode<T: Serialize + ?Sized>(&mut self, value: &T, name: &str) {
        let bytes = std::mem::take(&mut self.bytes);
        let encoded =
            handle::exporting(&mut self.descriptors, || postcard::to_extend(value, bytes));
        match encoded {
            Ok(bytes) => self.bytes = bytes,
            Err(error) => {
                self.fault.get_or_insert_with(|| (name.to_owned(), handle::reason(&error)));
            }
        }
    }

    /// The row, unless a value could not be encoded.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, Vec<Arc<OwnedFd>>)> {
        match self.fault {
            None => Ok((self.bytes, self.descriptors)),
            Some((name, reason)) => Err(Error::Encode { name, reason }),
        }
    }
}

/// Values on their way in; nothing in the bytes is believed.
#[derive(Debug)]
pub struct Unpack<'a> {
    bytes: &'a [u8],
    descriptors: Vec<Option<OwnedFd>>,
}

impl<'a> Unpack<'a> {
    /// A row that came from somewhere.
    pub(crate) fn new(bytes: &'a [u8], descriptors: Vec<OwnedFd>) -> Self {
        Self { bytes, descriptors: descriptors.into_iter().map(Some).collect() }
    }

    /// What is left of it, with these descriptors.
    pub(crate) fn with_descriptors(self, descriptors: Vec<OwnedFd>) -> Self {
        Self::new(self.bytes, descriptors)
    }

    /// A row inside another message, whose descriptors it goes on using.
    pub(crate) fn after(bytes: &'a [u8], outer: Unpack<'_>) -> Self {
        Self { bytes, descriptors: outer.descriptors }
    }

    /// Takes the next value; `name` is what an error calls it.
    ///
    /// # Errors
    /// [`Error::Decode`] when the bytes are not such a value.
    pub fn take<T: DeserializeOwned + 'static>(&mut self, name: &str) -> Result<T> {
        if let Some(taken) = bulk::take(&mut self.bytes) {
            return taken.ok_or_else(|| decode_error(name, "its length does not fit"));
        }
        let bytes = self.bytes;
        let decoded =
            handle::importing(&mut self.descriptors, || postcard::take_from_bytes::<T>(bytes));
        let (value, rest) = decoded.map_err(|error| decode_error(name, &handle::reason(&error)))?;
        self.bytes = rest;
        Ok(value)
    }

    /// Takes bytes that were put as they are.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Vec<u8>> {
        bulk::take_vec::<u8>(&mut self.bytes)
            .ok_or_else(|| decode_error(name, "its length does not fit"))
    }

    /// Takes the descriptor at this place of the message.
    pub(crate) fn descriptor(&mut self, place: u32) -> Option<OwnedFd> {
        self.descriptors.get_mut(place as usize)?.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_come_back_in_order() {
        let mut pack = Pack::new();
        pack.put(&7u32, "a");
        pack.put(&vec![1.5f64, -2.5], "b");
        pack.put_slice(&["x".to_owned(), "y".to_owned()], "c");
        pack.put(&Some((1u8, "z".to_owned())), "d");
        let (bytes, descriptors) = pack.finish().unwrap();
        assert!(descriptors.is_empty());
        let mut unpack = Unpack::new(&bytes, Vec::new());
        assert_eq!(unpack.take::<u32>("a").unwrap(), 7);
        assert_eq!(unpack.take::<Vec<f64>>("b").unwrap(), [1.5, -2.5]);
        assert_eq!(unpack.take::<Vec<String>>("c").unwrap(), ["x", "y"]);
        assert_eq!(unpack.take::<Option<(u8, String)>>("d").unwrap(), Some((1, "z".to_owned())));
        assert!(unpack.take::<u32>("nothing left").is_err());
    }

    #[test]
    fn a_value_that_cannot_be_encoded_is_named() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::path::PathBuf::from(std::ffi::OsStr::from_bytes(&[0xff, 0xfe]));
        let mut pack = Pack::new();
        pack.put(&path, "file");
        let error = pack.finish().unwrap_err();
        assert!(error.to_string().contains("`file`"), "{error}");
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused_or_read(bytes: Vec<u8>) {
            let mut unpack = Unpack::new(&bytes, Vec::new());
            let _ = unpack.take::<Vec<String>>("a");
            let _ = unpack.take::<Vec<u64>>("b");
            let _ = unpack.take::<(String, Option<Vec<u8>>)>("c");
            let _ = unpack.take::<crate::Shared<[u32]>>("d");
        }
    }
}
