//! Tokens out; nothing here can fail.
//!
//! - [`process`]: a function and the companion type that starts it
//! - [`class`]: the same for a block with a `run`
//! - [`daemon`]: what a daemon has more than a process
//! - [`message`]: serialisation without serde in the user's manifest
//! - [`shared`]: types and statics in shared memory
//! - [`methods`]: methods of a shared value as locked steps
//! - [`stub`]: what stands in for what was refused
//! - [`preload`]: functions that the fork server runs once

pub(crate) mod class;
pub(crate) mod daemon;
pub(crate) mod message;
pub(crate) mod methods;
pub(crate) mod preload;
pub(crate) mod process;
pub(crate) mod shared;
pub(crate) mod stub;
