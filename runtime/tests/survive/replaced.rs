//! The executable is deleted, and another put in its place, while it runs.

use std::fs;
use std::path::PathBuf;

use offspring::{StartMethod, process};

use crate::Case;
use crate::support::{happens, kill_pid, server, tagged, victim, wait_until, wait_with_deadline};

pub(crate) const CASES: &[Case] =
    &[("a_program_goes_on_when_its_file_is_deleted_and_replaced", go_on)];
pub(crate) const VICTIMS: &[Case] = &[("replaced", replaced)];

#[process]
fn build() -> u32 {
    4711
}

fn go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("program");
    fs::copy(std::env::current_exe().expect("a path"), &copy).expect("a copy");
    let (mut command, tag) = victim("replaced", &copy);
    let mut child = command.arg(&copy).spawn().expect("a process more");
    let status = wait_with_deadline(&mut child).expect("it ends");
    let gone = happens(|| tagged(&tag).is_empty());
    tagged(&tag).into_iter().for_each(kill_pid);
    assert!(status.success() && gone, "{status}");
}

fn replaced() {
    let program = PathBuf::from(std::env::args_os().nth(1).expect("a path"));
    all_methods_work();
    fs::remove_file(&program).expect("a file of ours");
    all_methods_work();
    let other = program.with_extension("new");
    fs::copy("/bin/sh", &other).expect("a copy");
    fs::rename(&other, &program).expect("one in the place of the other");
    all_methods_work();
}

fn all_methods_work() {
    for method in [StartMethod::Fork, StartMethod::ForkServer, StartMethod::Spawn] {
        for _ in 0..5 {
            let child = build::task().start_method(method).spawn().expect("a process more");
            assert_eq!(child.join().expect("a result"), 4711);
        }
    }
    // The next server has to be started from what is there then.
    let old = server().expect("a server");
    kill_pid(old);
    wait_until("there is a new server", || {
        build::spawn().expect("a process more").join().expect("a result");
        server().is_some_and(|new| new != old)
    });
}
