//! Locks that live in shared memory, and that know when their holder dies.
//!
//! Same names and methods as `std` and `parking_lot`, as far as both sides can mean the same. Each type is placed
//! inside a `#[shared]` struct, a `#[shared] static` or a [`Shared`](crate::Shared), and works between all processes
//! that see it, and between threads.
//!
//! - [`Mutex`]: one holder at a time; tells the next one when a holder died
//! - [`LockError`]: why a lock was not simply taken

mod error;
pub(crate) mod methods;
mod mutex;
pub(crate) mod raw;

pub use error::LockError;
pub use mutex::{Mutex, MutexGuard};

/// For a child made by a raw `clone` of a single-threaded process: call `before_clone` in the parent first, and
/// `after_clone_in_child` in the child before it takes any lock. (libc's `fork` needs neither.)
pub(crate) use crate::sys::robust::{
    prepare as before_clone, renew_in_child as after_clone_in_child,
};
