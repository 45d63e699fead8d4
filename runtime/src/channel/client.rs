//! [`Client`]: connects to a listener, and makes sure that it is the right one.

use std::ffi::OsStr;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use super::address::Address;
use super::auth::{self, Guest, Key};
use super::connection::Connection;
use super::listener::HANDSHAKE_WITHIN;
use crate::sys::{poll, socket};
use crate::{Error, Result};

/// How long a listener may be busy with other things before it accepts.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(30);

/// Connects to a [`Listener`](crate::Listener): Python's `Client`.
#[derive(Debug)]
pub enum Client {}

impl Client {
    /// Connects to the listener at this address, and verifies that it has the same key.
    ///
    /// The connection sends `A` and receives `B`, the listener's the other way round; types are compared by name, without
    /// the paths of their modules. Over a path or an `@name`, handles can be sent; over `host:port`, only plain values.
    /// Nothing is encrypted.
    ///
    /// # Errors
    /// [`Error::System`] when nobody listens there, or nobody accepts within half a minute;
    /// [`Error::Authentication`] when the other side does not have the key, or is silent for ten seconds in the middle
    /// of showing it; [`Error::OtherTypes`] when its connection has other types.
    ///
    /// # Fork and death
    /// A listener that dies meanwhile ends the call.
    pub fn connect<A, B>(
        address: impl AsRef<OsStr>,
        key: impl AsRef<[u8]>,
    ) -> Result<Connection<A, B>> {
        let (text, key) = (address.as_ref(), Key::new(key.as_ref()));
        let address = Address::parse(text)?;
        let deadline = Instant::now() + ACCEPTED_WITHIN;
        let socket = address.connect(text, deadline)?;
        let question = hear(&socket, deadline)?;
        let deadline = Instant::now() + HANDSHAKE_WITHIN;
        let (guest, answer) = Guest::answer::<A, B>(&key, &question)?;
        say(&socket, &answer)?;
        guest.hear::<A, B>(&key, &hear(&socket, deadline)?)?;
        Connection::over_socket(socket, address.is_local())
    }
}

/// Says something short to one who has not been told much: it never has to wait.
pub(super) fn say(socket: &OwnedFd, bytes: &[u8]) -> Result<()> {
    let said = socket::send(socket, &[IoSlice::new(bytes)], &[], false);
    said.map_err(|_| auth::refused("it has hung up"))
}

/// Hears exactly so many bytes.
fn hear<const N: usize>(socket: &OwnedFd, deadline: Instant) -> Result<[u8; N]> {
    let (mut bytes, mut filled) = ([0; N], 0);
    while filled < N {
        let ready = poll::wait_one(socket.as_fd(), Some(deadline));
        if !ready.map_err(Error::system("wait for a listener"))? {
            return Err(auth::refused("it says nothing"));
        }
        match socket::receive_some(socket, &mut bytes[filled..]) {
            Err(rustix::io::Errno::AGAIN) => {}
            Ok(0) | Err(_) => return Err(auth::refused("it has hung up")),
            Ok(more) => filled += more,
        }
    }
    Ok(bytes)
}
