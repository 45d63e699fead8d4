//! Queues as a user sees them: what comes out is what went in, in order, whoever waits, closes, ends or is killed.

#[macro_use]
#[path = "../sync_types/support.rs"]
mod support;

mod bounded;
mod closing;
mod cpython;
mod death;
mod deserted;
mod fuzz;
mod handles;
mod in_place;
mod inside;
mod interrupted;
mod memory;
mod order;
mod refusing;
mod values;
