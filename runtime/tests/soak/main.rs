//! Workers that use everything in `offspring::sync` at once, and somebody who kills them at random.
//!
//! Eight processes do random operations on shared locks and their relatives (`operations.rs`); every few milliseconds one
//! of them is killed, or sent a signal in the middle of whatever it does, and the dead are replaced. Nobody may ever see what must not
//! be (`world.rs` says how that is known while people die), nobody may be stuck, and at the end the books must balance.
//!
//! Then the same for queues (`queues.rs`), and for dicts and lists (`collections.rs`).
//!
//! 20 seconds each; `OFFSPRING_SOAK=600` says how many instead, and an argument, `locks`, `queues` or `collections`, which. `OFFSPRING_SEED` repeats the choices, not the timing. Forks, so
//! that it is a single-threaded program.

#![allow(unsafe_code, reason = "fork, and a signal handler")]

mod collections;
mod increments;
mod ledger;
mod operations;
mod queues;
mod random;
mod supervisor;
mod world;

use std::time::Duration;

fn main() {
    let seconds = std::env::var("OFFSPRING_SOAK").map_or(20, |text| text.parse().expect("seconds"));
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name| filter.as_ref().is_none_or(|filter| filter == name);
    supervisor::accept_signals();
    if wanted("locks") {
        increments::run();
        supervisor::run(Duration::from_secs(seconds));
    }
    if wanted("queues") {
        queues::run(Duration::from_secs(seconds));
    }
    if wanted("collections") {
        collections::run(Duration::from_secs(seconds));
    }
}
