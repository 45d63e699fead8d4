//! How connections and plain descriptors travel inside messages, and [`Descriptor`].

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::connection::Connection;
use super::copies;
use super::transport::{Stream, Transport, Turns};
use crate::Shared;
use crate::sys::socket;
use crate::wire::handle::{Carried, explain};

/// What of a connection is in a message.
#[derive(Serialize, Deserialize)]
enum Carriage {
    Packets(Carried),
    Stream(Carried, Shared<Turns>),
}

impl<S, R> Serialize for Connection<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let carriage = match self.transport() {
            Transport::Packets(socket) => Carriage::Packets(Carried(Arc::clone(socket))),
            Transport::Stream(Stream { socket, turns }) => {
                Carriage::Stream(Carried(Arc::clone(socket)), turns.clone())
            }
        };
        carriage.serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = || D::Error::custom(explain("the descriptor is no connection"));
        let transport = match Carriage::deserialize(deserializer)? {
            Carriage::Packets(socket) if socket::carries_descriptors(&socket.0) => {
                Transport::Packets(own(socket).ok_or_else(refused)?)
            }
            Carriage::Stream(socket, turns) if socket::is_stream(&socket.0) => {
                Transport::Stream(Stream { socket: own(socket).ok_or_else(refused)?, turns })
            }
            _ => return Err(refused()),
        };
        Ok(Self::over(transport))
    }
}

/// One that came with a message is nobody else's yet.
fn own(socket: Carried) -> Option<Arc<OwnedFd>> {
    Arc::into_inner(socket.0).map(copies::note)
}

/// A descriptor that can be sent to another process: an open file, a socket, whatever the kernel has numbers for.
///
/// It is std's [`OwnedFd`] with the ability to travel. What the receiver gets is a descriptor of its own on the same open file.
///
/// ```
/// use std::io::Write;
/// use std::net::{TcpListener, TcpStream};
/// use std::os::fd::OwnedFd;
/// use offspring::{Descriptor, process};
///
/// #[process]
/// fn greet(client: Descriptor) -> std::io::Result<()> {
///     TcpStream::from(OwnedFd::from(client)).write_all(b"hello")
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut mine = TcpStream::connect(listener.local_addr()?)?;
/// let (client, _) = listener.accept()?;
/// greet::spawn(OwnedFd::from(client).into())?.join()??;
/// assert_eq!(std::io::read_to_string(&mut mine)?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Fork and death
/// The kernel closes the descriptors of a process that dies; others on the same open file stay.
#[derive(Debug)]
pub struct Descriptor(OwnedFd);

impl From<OwnedFd> for Descriptor {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

impl From<Descriptor> for OwnedFd {
    fn from(descriptor: Descriptor) -> Self {
        descriptor.0
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let another = self.0.try_clone().map_err(|error| S::Error::custom(explain(error)))?;
        Carried(Arc::new(another)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Carried(descriptor) = Carried::deserialize(deserializer)?;
        Arc::into_inner(descriptor)
            .map(Self)
            .ok_or_else(|| D::Error::custom(explain("the descriptor is somebody else's")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Pack, Unpack};

    #[test]
    fn a_descriptor_of_another_kind_is_no_connection() {
        let carried = Carried(Arc::new(tempfile::tempfile().unwrap().into()));
        let mut pack = Pack::new();
        pack.put(&Carriage::Packets(carried), "end");
        let (bytes, descriptors) = pack.finish().unwrap();
        let came = descriptors.iter().map(|one| one.try_clone().unwrap()).collect();
        let error = Unpack::new(&bytes, came).take::<Connection<(), ()>>("end").unwrap_err();
        assert_eq!(error.to_string(), "`end` did not arrive: the descriptor is no connection");
        let error = Unpack::new(&bytes, Vec::new()).take::<Connection<(), ()>>("end").unwrap_err();
        assert!(error.to_string().ends_with("descriptor did not come with the message"), "{error}");
    }
}
