//! The types of `offspring::sync` as a user sees them: between threads, between processes under each start method, and
//! when one of those dies.

#[macro_use]
mod support;

mod barrier;
mod condvar;
mod cpython;
mod deadlock;
mod event;
mod handles;
mod once;
mod rlock;
mod rwlock;
mod semaphore;
mod text;
