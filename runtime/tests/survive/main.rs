//! Processes that are killed, disturbed and lied to, in a program with threads: the tests of one test harness.
//!
//! They look at all children of this process and kill its fork server, and so take turns. Programs that are victims
//! as a whole are in `victims.rs`.

mod child;
mod churn;
mod hostile;
mod interrupted;
mod server;
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets one test at a time have this process.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
