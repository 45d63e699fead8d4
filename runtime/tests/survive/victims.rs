//! Programs that suffer as a whole: killed, short of descriptors, their executable gone, their start sabotaged.
//!
//! Each case starts this executable again as a victim program, in a process group of its own, and watches it from
//! outside; most victims check themselves and end with code 0. No test harness: the victims need a `main`.

mod arguments;
mod child;
mod constructors;
mod copies;
mod family;
mod forking;
mod frames;
mod limits;
mod privileges;
mod replaced;
mod scarce;
mod support;

use libtest_mimic::{Arguments, Trial};

type Case = (&'static str, fn());

/// What the test program runs.
const CASES: &[&[Case]] = &[
    arguments::CASES,
    constructors::CASES,
    copies::CASES,
    family::CASES,
    forking::CASES,
    frames::CASES,
    limits::CASES,
    privileges::CASES,
    replaced::CASES,
    scarce::CASES,
];

/// What it runs in their stead when it is told to be a victim.
const VICTIMS: &[&[Case]] = &[
    arguments::VICTIMS,
    constructors::VICTIMS,
    copies::VICTIMS,
    family::VICTIMS,
    forking::VICTIMS,
    frames::VICTIMS,
    limits::VICTIMS,
    privileges::VICTIMS,
    replaced::VICTIMS,
    scarce::VICTIMS,
];

fn main() {
    if let Some(name) = std::env::var_os(support::VICTIM) {
        let mut victims = VICTIMS.iter().copied().flatten();
        let (_, victim) = victims.find(|(known, _)| name == *known).expect("a victim of this name");
        return victim();
    }
    let arguments = Arguments::from_args();
    let trial = |(name, case): &Case| {
        let case = *case;
        Trial::test(*name, move || {
            case();
            Ok(())
        })
    };
    let trials = CASES.iter().copied().flatten().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
