//! The locks' own source, run against a model of the machine that explores how threads interleave and where they die.
//!
//! The files of `src/sync` that decide anything are compiled here a second time, as they are: this crate calls itself `std`,
//! and its `std::sync::atomic` asks a scheduler (shuttle's) before each operation who goes on. `crate::sys` is a model of the
//! kernel: futexes, and robust lists that are read when a thread dies. A thread can die before any operation,
//! awake or asleep.
//!
//! Two things that a real machine does are left out on purpose. Nobody wakes from a nap to look around: who is not woken
//! sleeps for ever, and shuttle says so. And nobody spins to the end: how often is drawn.
//!
//! What it does not show: all operations are sequentially consistent here, whatever ordering they name; and it draws schedules,
//! thousands of them, not all. `OFFSPRING_MODEL=100000` says how many for each model. A schedule that fails is
//! printed, and `OFFSPRING_SCHEDULE` with it repeats that one; an argument chooses models by a part of their names.

#![allow(unsafe_code, reason = "the library's source has it, and hands addresses to the kernel")]

extern crate self as std;
extern crate std as real;

pub use real::*;

/// As `std::sync`, with the model's atomics.
#[allow(missing_docs, clippy::missing_errors_doc, reason = "documented where they come from")]
pub mod sync {
    pub use real::sync::*;

    pub mod atomic;
}

mod kernel;
mod locks;
mod memory;
mod models;
mod sys;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// A name, and one run.
type Model = (&'static str, fn());

fn explore(model: fn(), scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.failure_persistence = FailurePersistence::Print;
    let run = move || {
        kernel::reset();
        model();
    };
    Runner::new(scheduler, config).run(run);
}

fn main() {
    let times = real::env::var("OFFSPRING_MODEL").map_or(100, |text| text.parse().expect("times"));
    let schedule = real::env::var("OFFSPRING_SCHEDULE").ok();
    let filter = real::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, model) in models::ALL {
        if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        println!("{name}");
        match &schedule {
            Some(schedule) => explore(*model, ReplayScheduler::new_from_encoded(schedule)),
            None => {
                explore(*model, RandomScheduler::new(times));
                // Few preemptions, at telling places.
                explore(*model, PctScheduler::new(4, times));
            }
        }
    }
}
