//! Values and handles to bytes and descriptors, and back.
//!
//! - [`codec`]: [`Pack`] and [`Unpack`], a value after another
//! - [`bulk`]: numbers by the million, copied instead of encoded one by one
//! - [`argument`]: how a parameter travels: by value, or lent and owned by the child
//! - [`result`]: how a result travels, errors that know no serde included
//! - [`remote`]: [`RemoteError`], an error of another process
//! - [`fixed`]: how what has a fixed capacity travels
//! - [`handle`]: how shared memory travels inside a value; [`handles`]: so do the handles to it
//! - [`single`]: one value to bytes where they belong
//! - [`frame`]: a message between parent, fork server and child, of any size
//! - [`packet`]: a message of a connection, on a socket that carries descriptors; [`stream`]: on one that does not
//! - [`incoming`]: such a message as it came
//! - [`spill`]: how bytes travel that are too many for a packet

mod argument;
pub(crate) mod bulk;
mod codec;
mod fixed;
pub(crate) mod frame;
pub(crate) mod handle;
mod handles;
pub(crate) mod incoming;
pub(crate) mod packet;
mod remote;
mod result;
pub(crate) mod single;
mod spill;
pub(crate) mod stream;

pub use argument::Argument;
pub(crate) use bulk::view as view_numbers;
pub use codec::{Pack, Unpack};
pub(crate) use handle::{explain, export, import};
pub use remote::RemoteError;
pub(crate) use result::unpack_by_serde;
pub use result::{ByNothing, BySerde, ByText, Reply, Return};

/// What can be sent to another process by value: everything that serde can write and read.
///
/// `#[message]` above a struct or enum is all that it takes. Numbers, strings, collections, tuples,
/// `Option` and `Result` of such types are messages, and so are handles like
/// [`Shared`](crate::Shared). Generic tasks ask for it: `fn largest<T: Message + Ord>(of: Vec<T>) -> Option<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another process: write `#[message]` above its definition, or send what it is made of",
    label = "not a message",
    note = "what stands in memory, such as the types of `offspring::sync`, stays there: pass a handle to it, as in `offspring::Semaphore` or `&Shared<T>`"
)]
pub trait Message: serde::Serialize + serde::de::DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + 'static> Message for T {}

fn garbled(what: &str) -> crate::Error {
    crate::Error::Garbled { reason: what.to_owned() }
}

fn decode_error(name: &str, reason: &str) -> crate::Error {
    crate::Error::Decode { name: name.to_owned(), reason: reason.to_owned() }
}
