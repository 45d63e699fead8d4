//! Messages between processes: queues in shared memory, connections over sockets, and waiting for several of them.
//!
//! - [`connection`]: [`Connection`] and [`pipe`]; [`failure`]: why they fail
//! - [`transport`]: packets or a stream, what carries a connection's messages
//! - [`travel`]: how connections and [`Descriptor`]s are sent to others
//! - [`listener`], [`client`]: connections between programs; [`address`]: where, [`auth`]: with whom
//! - [`copies`]: what a forked copy of this process lets go of

mod address;
mod auth;
mod client;
mod connection;
pub(crate) mod copies;
mod failure;
mod listener;
mod transport;
mod travel;

pub use client::Client;
pub use connection::{Connection, pipe};
pub use failure::{RecvError, RecvIntoError, RecvTimeoutError, SendError, TryRecvError};
pub use listener::Listener;
pub use travel::Descriptor;
