//! One value to bytes and back, for those who have a place for the bytes: up to a length, or exactly where they belong.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use postcard::ser_flavors::{Flavor, Size};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Unpack;
use super::handle;
use crate::{Error, Result};

/// Appends at most so many bytes.
struct Upto<'a> {
    bytes: &'a mut Vec<u8>,
    end: usize,
}

impl Flavor for Upto<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if bytes.len() > self.end - self.bytes.len() {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Hands each piece on.
struct Pieces<F>(F);

impl<F: FnMut(&[u8]) -> bool> Flavor for Pieces<F> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.0(bytes) { Ok(()) } else { Err(postcard::Error::SerializeBufferFull) }
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn encoded<T: Serialize, F: Flavor>(
    value: &T,
    descriptors: &mut Vec<Arc<OwnedFd>>,
    flavor: F,
) -> postcard::Result<F::Output> {
    handle::exporting(descriptors, || postcard::serialize_with_flavor(value, flavor))
}

fn refused(name: &str, error: &postcard::Error) -> Error {
    Error::Encode { name: name.to_owned(), reason: handle::reason(error) }
}

/// Appends a value, if it takes at most `most` bytes; false says that it takes more. Its handles come out as descriptors.
pub(crate) fn encode<T: Serialize>(
    value: &T,
    name: &str,
    bytes: &mut Vec<u8>,
    most: usize,
    descriptors: &mut Vec<Arc<OwnedFd>>,
) -> Result<bool> {
    let end = bytes.len() + most;
    match encoded(value, descriptors, Upto { bytes, end }) {
        Ok(()) => Ok(true),
        Err(postcard::Error::SerializeBufferFull) => Ok(false),
        Err(error) => Err(refused(name, &error)),
    }
}

/// How many bytes a value takes. Its handles come out as descriptors.
pub(crate) fn encoded_len<T: Serialize>(
    value: &T,
    name: &str,
    descriptors: &mut Vec<Arc<OwnedFd>>,
) -> Result<usize> {
    encoded(value, descriptors, Size::default()).map_err(|error| refused(name, &error))
}

/// Writes a value by way of `write`, which says whether there was room for a piece.
pub(crate) fn encode_in_pieces<T: Serialize>(
    value: &T,
    name: &str,
    write: impl FnMut(&[u8]) -> bool,
) -> Result<()> {
    encoded(value, &mut Vec::new(), Pieces(write)).map_err(|error| refused(name, &error))
}

/// A value out of all of these bytes, which are not believed.
pub(crate) fn decode<T: DeserializeOwned + 'static>(
    bytes: &[u8],
    descriptors: Vec<OwnedFd>,
    name: &str,
) -> Result<T> {
    Unpack::new(bytes, descriptors).take(name)
}
