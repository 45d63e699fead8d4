//! Locks that live in shared memory, and that know when their holder dies.
//!
//! Same names and methods as `std` and `parking_lot`, as far as both sides can mean the same. Each type is placed
//! inside a `#[shared]` struct, a `#[shared] static` or a [`Shared`](crate::Shared), and works between all processes
//! that see it, and between threads. Handles to pass on, by Python's names, are at the crate's root: [`Lock`](crate::Lock),
//! [`RLock`](crate::RLock), [`Semaphore`](crate::Semaphore), [`Event`](crate::Event), [`Condition`](crate::Condition),
//! [`Barrier`](crate::Barrier).
//!
//! - [`Mutex`]: one holder at a time; tells the next one when a holder died
//! - [`RLock`]: a lock that its holder may take again
//! - [`RwLock`]: many readers or one writer; tells the next ones when a writer died
//! - [`Once`]: done one time for all processes
//! - [`Semaphore`], [`BoundedSemaphore`]: so many holders at a time; the permits of the dead come back
//! - [`Condvar`]: waiting until what a mutex guards has changed
//! - [`Event`]: a flag to wait for
//! - [`Barrier`]: a line that all reach before any goes on; breaks when one of them dies
//! - [`Text`], [`Seq`]: what a `String` and a `Vec` would hold, with room for so much
//! - [`LockError`]: why a lock was not simply taken
//! - [`Cycle`]: who waits for whom in a deadlock, and [`detect_deadlocks`], whether to look for them

mod barrier;
mod board;
mod condvar;
mod crowd;
mod cycle;
pub(crate) mod deadlock;
mod error;
mod event;
pub(crate) mod handles;
mod lock;
mod loose;
mod members;
pub(crate) mod methods;
mod mutex;
mod once;
pub(crate) mod patience;
mod permits;
mod permits_wait;
pub(crate) mod raw;
mod raw_rwlock;
mod rlock;
mod rounds;
mod rwlock;
mod rwlock_guard;
mod seats;
mod semaphore;
mod slots;
mod spin;
#[cfg(test)]
mod tests;
mod waiters;

pub use crate::memory::{Seq, Text};
pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use cycle::{Cycle, Waiter};
pub use deadlock::detect_deadlocks;
pub use error::LockError;
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use once::Once;
pub use rlock::{RLock, RLockGuard};
pub use rounds::Broken;
pub use rwlock::RwLock;
pub use rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{BoundedSemaphore, Permit, Semaphore, TooManyReleases};
