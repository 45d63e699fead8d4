//! Memory that others find by a name: in `/dev/shm`, open to this user alone.
//!
//! - [`name`]: what may be a name, and what it is called in `/dev/shm`
//! - [`error`]: [`NameError`], why something cannot be had by its name
//! - [`label`]: what stands at the beginning of a file with an owner; is that one alive?
//! - [`claim`]: a name that this process owns, and takes away at its end
//! - [`folder`]: many files under one name
//! - [`sweep`](mod@sweep): the names of the dead
//! - [`raw`]: [`SharedMemory`], plain bytes
//!
//! A name comes and goes at one instant, whoever is killed at what instruction: a file appears when all is in it and its
//! owner holds it, a folder likewise. The kernel keeps who holds what (`sys::roll`), so that a number given to another
//! process, or a machine that was switched off, fool nobody. What the dead leave behind is swept by whoever comes to make
//! or to find something, and by the fork server of the dead one.

mod claim;
mod error;
mod folder;
mod label;
mod name;
mod raw;
mod sweep;

pub(crate) use claim::{Claim, let_go};
pub use error::NameError;
pub(crate) use folder::{Folder, can_be_found};
pub(crate) use name::{Kind, check, prefix};
pub use raw::SharedMemory;
pub(crate) use sweep::sweep;
