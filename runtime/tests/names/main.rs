//! What has a name, as a user sees it: bytes and objects that programs find which are not related, and what is left when those die.
//!
//! Each case starts this executable again as other programs, with another command line and environment, and talks to them by lines
//! (`support.rs`). No test harness: the programs need a `main`. One case after another, because they count what is in
//! `/dev/shm`.

mod cpython;
mod deaths;
mod family;
mod hostile;
mod memory;
mod objects;
mod owners;
mod races;
mod support;

use libtest_mimic::{Arguments, Trial};
use support::{Case, assert_no_new_names, names};

const CASES: &[&[Case]] = &[
    memory::CASES,
    owners::CASES,
    objects::CASES,
    family::CASES,
    deaths::CASES,
    races::CASES,
    hostile::CASES,
    cpython::CASES,
];

const PROGRAMS: &[&[Case]] = &[
    memory::PROGRAMS,
    owners::PROGRAMS,
    objects::PROGRAMS,
    family::PROGRAMS,
    deaths::PROGRAMS,
    races::PROGRAMS,
    hostile::PROGRAMS,
];

fn main() {
    if let Some(program) = support::asked_for() {
        let mut programs = PROGRAMS.iter().copied().flatten();
        let (_, main) =
            programs.find(|(name, _)| *name == program).expect("a program of this name");
        return main();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trial = |(name, case): &Case| {
        let case = *case;
        Trial::test(*name, move || {
            let before = names();
            case();
            assert_no_new_names(&before);
            Ok(())
        })
    };
    let trials = CASES.iter().copied().flatten().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
