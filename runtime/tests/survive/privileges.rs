//! A program that becomes another user after its first spawn, whose helpers it may not signal from then on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, geteuid, setresuid};
use offspring::{Error, Process, StartMethod, process};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Case;
use crate::support::{DEADLINE, assert_only_helpers_remain, children, run, server, wait_until};

pub(crate) const CASES: &[Case] = &[
    ("children_are_of_the_user_that_their_parent_is_now", || {
        let begin = Instant::now();
        run("another_user", |_| ());
        // What is left of the former user's helpers is not waited for until patience ends, 10 s for each.
        assert!(begin.elapsed() < Duration::from_secs(10), "somebody was waited for");
    }),
    ("without_a_thread_for_supervision_a_wait_ends_all_the_same", || run("threadless", |_| ())),
];
pub(crate) const VICTIMS: &[Case] = &[("another_user", another_user), ("threadless", threadless)];

const METHODS: [StartMethod; 3] = [StartMethod::ForkServer, StartMethod::Fork, StartMethod::Spawn];
/// In every system of ours that of `nobody`.
const NOBODY: Uid = Uid::from_raw(65534);

#[process]
fn user() -> u32 {
    geteuid().as_raw()
}

#[process(retry = 2)]
fn answer() -> u32 {
    42
}

fn user_under(method: StartMethod) -> offspring::Result<Process<u32>> {
    user::task().start_method(method).spawn()
}

/// Whether this process is somebody else now; it must be root, and its executable anybody's.
fn become_nobody() -> bool {
    let mode = fs::metadata("/proc/self/exe").map_or(0, |file| file.permissions().mode());
    let possible = geteuid().is_root() && mode & 0o005 == 0o005;
    possible && setresuid(NOBODY, NOBODY, NOBODY).is_ok()
}

fn another_user() {
    let before = geteuid().as_raw();
    for method in METHODS {
        assert_eq!(user_under(method).expect("a process more").join().expect("a result"), before);
    }
    let former = server().expect("a server");
    if !become_nobody() {
        eprintln!("privileges: not tested: this user cannot become another");
        return;
    }
    for _ in 0..3 {
        for method in METHODS {
            let child = user_under(method).expect("a process more");
            assert_eq!(child.join().expect("a result"), NOBODY.as_raw(), "{method:?}");
        }
    }
    assert!(children().iter().all(|one| one.pid != former), "the former server is still there");
    assert_only_helpers_remain();
}

/// No thread can be started here, while the server, which had its limits before, can fork.
fn threadless() {
    if geteuid().is_root() && !become_nobody() {
        eprintln!("privileges: not tested without threads: no limit holds for root");
        return;
    }
    assert_eq!(answer::spawn().expect("a process more").join().expect("a result"), 42);
    let threads = || fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    wait_until("the helper thread has ended", || threads() == 1);
    let Rlimit { current, maximum } = getrlimit(Resource::Nproc);
    setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum }).expect("a limit");
    if thread::Builder::new().spawn(|| ()).is_ok() {
        eprintln!("privileges: not tested without threads: the limit does not hold");
    }
    for method in METHODS {
        match answer::task().start_method(method).spawn() {
            Ok(child) => {
                let ended = child.wait_timeout(DEADLINE).expect("a wait");
                assert!(ended.is_some(), "{method:?}: nobody watches it");
                assert_eq!(child.join().expect("a result"), 42);
            }
            Err(Error::System { source, .. }) => {
                assert_eq!(source.raw_os_error(), Some(libc::EAGAIN), "{method:?}: {source}");
            }
            Err(other) => panic!("{method:?}: {other}"),
        }
        drop(user::spawn());
    }
    wait_until("those that were dropped are reaped", || process::active_children().is_empty());
    setrlimit(Resource::Nproc, Rlimit { current, maximum }).expect("a limit");
    for method in METHODS {
        let child = answer::task().start_method(method).spawn().expect("threads are there again");
        assert_eq!(child.join().expect("a result"), 42);
    }
    assert_only_helpers_remain();
}
