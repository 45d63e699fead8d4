//! Messages between processes: queues in shared memory, connections over sockets, and waiting for several of them.
//!
//! A queue, from the ground up:
//! - [`levels`]: its memory, which grows and shrinks; [`memory`]: words and bytes in that
//! - [`spot`]: a place there, in one word; [`record`]: what stands in front of each item
//! - [`control`]: what its holders share besides the items; [`core`]: the queue as one process holds it
//! - [`putter`], [`taker`]: a record in and out, by one store each
//! - [`wait`]: waiting for an item or for room; [`users`]: who in this process could end that
//! - [`fault`]: why not, inside of a gate; [`refused`]: and outside
//! - [`payload`]: an item to bytes and back; [`parcel`]: the handles in it
//! - [`transfer`]: items in and out, in as many goes as it takes
//! - [`in_place`]: items that are read and written where they lie
//! - [`queue`]: [`Queue`]; [`iter`]: its items as they come; [`error`]: why not; [`hand_on`]: how it is passed on
//! - [`joinable`]: [`JoinableQueue`]; [`job`]: what it gives; [`desk`]: where jobs lie that are in progress
//!
//! A connection:
//! - [`connection`]: [`Connection`] and [`pipe`]; [`failure`]: why they fail
//! - [`transport`]: packets or a stream, what carries a connection's messages
//! - [`travel`]: how connections and [`Descriptor`]s are sent to others
//! - [`listener`], [`client`]: connections between programs; [`address`]: where, [`auth`]: with whom
//! - [`copies`]: what a forked copy of this process lets go of
//!
//! Several things at once:
//! - [`select`](mod@select); [`selectable`]: what can be waited for; [`bridge`]: words and descriptors at once

mod address;
mod auth;
mod bridge;
mod client;
mod connection;
mod control;
pub(crate) mod copies;
mod core;
mod desk;
mod error;
mod failure;
mod fault;
mod hand_on;
mod in_place;
mod iter;
mod job;
mod joinable;
mod levels;
mod listener;
mod memory;
mod parcel;
mod payload;
mod putter;
mod queue;
mod record;
mod refused;
mod select;
mod selectable;
mod spot;
mod taker;
mod transfer;
#[allow(unsafe_code, reason = "`#[shared]` puts a note into a section of the program")]
mod transport;
mod travel;
mod users;
mod wait;

pub use client::Client;
pub use connection::{Connection, pipe};
pub use error::{GetError, GetTimeoutError, PutError, PutTimeoutError, TryGetError, TryPutError};
pub use failure::{RecvError, RecvIntoError, RecvTimeoutError, SendError, TryRecvError};
pub use in_place::Reserved;
pub use iter::Iter as QueueIter;
pub use job::{Job, Jobs};
pub use joinable::JoinableQueue;
pub use listener::Listener;
pub use queue::Queue;
pub use select::select;
pub use selectable::Selectable;
pub use travel::Descriptor;
