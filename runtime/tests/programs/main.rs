//! Whole programs, seen from outside: how they end, with what code, what they print, whom they leave.
//!
//! Run with the name of a program in the environment, this executable is that program, with a `main`
//! of its own on the main thread; else it is the harness that starts each and watches.

mod ends;
mod once;
mod runner;
mod streams;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Some(program) = runner::asked_for() {
        return program();
    }
    let mut arguments = Arguments::from_args();
    // One after another: each program is a family of processes that wants the machine for itself.
    arguments.test_threads = Some(1);
    let cases = [ends::cases(), once::cases(), streams::cases()].concat();
    libtest_mimic::run(&arguments, runner::trials(cases)).exit_code()
}
