//! Connections as a user sees them: between threads, between processes under each start method, and when one of those dies.

#[macro_use]
mod support;

mod cpython;
mod death;
mod interrupted;
mod listener;
mod pipe;
mod processes;
mod strangers;
mod travel;
