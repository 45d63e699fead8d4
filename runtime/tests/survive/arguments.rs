//! A command line of five thousand arguments, some of them no text: every child has the same one.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use offspring::{StartMethod, process};

use crate::Case;
use crate::support::{Random, run};

pub(crate) const CASES: &[Case] = &[("every_start_method_keeps_five_thousand_arguments", keep)];
pub(crate) const VICTIMS: &[Case] = &[("arguments", compare)];

#[process]
fn arguments() -> Vec<Vec<u8>> {
    std::env::args_os().map(OsString::into_vec).collect()
}

fn keep() {
    let mut random = Random::new("arguments");
    let mut argument = |number: usize| {
        let mut bytes = format!("{number}-").into_bytes();
        let len = random.below(40) as usize;
        bytes.extend(random.bytes(len).into_iter().filter(|&byte| byte != 0));
        // Also none at all.
        OsString::from_vec(if number % 100 == 7 { Vec::new() } else { bytes })
    };
    let arguments: Vec<OsString> = (0..5000).map(&mut argument).collect();
    run("arguments", |command| {
        command.args(&arguments);
    });
    run("arguments", |_| ());
}

fn compare() {
    let own: Vec<Vec<u8>> = std::env::args_os().map(|one| one.as_bytes().to_vec()).collect();
    for method in [StartMethod::Fork, StartMethod::ForkServer, StartMethod::Spawn] {
        // Longer and shorter than what `ps` has room for.
        for name in
            ["n", "a name that is much longer than the path of the executable itself is, by far"]
        {
            let task = arguments::task().start_method(method).name(name);
            let theirs = task.spawn().expect("a process more").join().expect("a result");
            assert!(theirs == own, "{method:?}: {} arguments for {}", theirs.len(), own.len());
        }
    }
}
