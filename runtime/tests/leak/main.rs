//! Thousands of children come and go: nothing of them is left, and the parent and its server grow by nothing.
//!
//! `cargo test --release --test leak -- --nocapture` gives the figures in RELIABILITY.md.

#[path = "../survive/support.rs"]
mod support;

use std::fmt;
use std::thread;
use std::time::Duration;

use offspring::{JoinError, StartMethod, process};
use support::{
    assert_no_new_names, children, happens, mappings, memory, names, open_descriptors, server,
    spares,
};

/// As many children as the server may have ready.
const SPARES: usize = 6;
/// What the allocator may keep, in KiB: far less than a byte for each cycle of a leak would be.
const FLAT: u64 = 1024;

#[process]
fn add(a: u64, b: &[u64]) -> u64 {
    a + b.iter().sum::<u64>()
}

#[process]
fn large() -> Vec<u8> {
    vec![7; 100_000]
}

#[process]
fn refuse() -> Result<(), String> {
    Err("no".to_owned())
}

#[process]
fn panic() {
    std::panic::set_hook(Box::new(|_| ()));
    panic!("meant to");
}

#[process]
fn sleep() {
    loop {
        thread::park();
    }
}

fn spawn_and_join(times: u64) {
    for n in 0..times {
        assert_eq!(add::spawn(n, &[1, 2, 3]).unwrap().join().unwrap(), n + 6);
    }
}

/// Handles that are dropped, most of them while their children run.
fn spawn_and_detach(times: u64) {
    for n in 0..times {
        drop(add::spawn(n, &[1, 2, 3]).unwrap());
        if n % 50 == 0 {
            all_are_reaped();
        }
    }
}

fn spawn_and_fail(times: u64) {
    for n in 0..times {
        match n % 5 {
            0 => assert_eq!(refuse::spawn().unwrap().join().unwrap(), Err("no".to_owned())),
            1 => assert!(matches!(panic::spawn().unwrap().join(), Err(JoinError::Panicked(_)))),
            2 => {
                let child = sleep::spawn().unwrap();
                child.kill().unwrap();
                assert!(matches!(child.join(), Err(JoinError::Signaled(_))));
            }
            3 => {
                let child = sleep::task().timeout(Duration::from_millis(1)).spawn().unwrap();
                assert!(matches!(child.join(), Err(JoinError::TimedOut(_))));
            }
            _ => assert_eq!(large::spawn().unwrap().join().unwrap().len(), 100_000),
        }
        if n % 25 == 0 {
            let exec = add::task(n, &[]).start_method(StartMethod::Spawn);
            assert_eq!(exec.spawn().unwrap().join().unwrap(), n);
        }
    }
}

/// Waits until no child is there but the helpers.
#[track_caller]
fn all_are_reaped() {
    let settled = || children().iter().all(|one| one.is_helper() && !one.is_zombie());
    assert!(happens(settled), "{:?}", children());
}

/// What could have grown.
#[derive(Debug, Clone, Copy)]
struct Picture {
    descriptors: usize,
    mappings: usize,
    threads: usize,
    memory: u64,
    server_descriptors: usize,
    server_mappings: usize,
    server_memory: u64,
}

impl Picture {
    /// Once everything has come to rest.
    fn take() -> Self {
        all_are_reaped();
        let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
        // The helper thread ends when it has nobody to look after; so do this harness and this test remain.
        assert!(happens(|| threads() <= 2), "{} threads", threads());
        assert!(happens(|| spares().len() <= SPARES), "{:?}", spares());
        let server = server().expect("a server").to_string();
        let open = std::fs::read_dir(format!("/proc/{server}/fd")).map_or(0, Iterator::count);
        Self {
            descriptors: open_descriptors(),
            mappings: mappings("self"),
            threads: threads(),
            memory: memory("self", "VmRSS"),
            server_descriptors: open,
            server_mappings: mappings(&server),
            server_memory: memory(&server, "VmRSS"),
        }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} descriptors, {} mappings, {} threads, {} KiB; server: {} descriptors, {} mappings, {} KiB",
            self.descriptors,
            self.mappings,
            self.threads,
            self.memory,
            self.server_descriptors,
            self.server_mappings,
            self.server_memory
        )
    }
}

/// One after another, as one test: everything here is about the whole process.
#[test]
fn ten_thousand_children_leave_nothing_behind() {
    let (joined, detached, failed) = (10_000, 2_000, 500);
    let names = names();
    spawn_and_join(300);
    spawn_and_detach(100);
    spawn_and_fail(50);
    let before = Picture::take();
    spawn_and_join(joined);
    spawn_and_detach(detached);
    spawn_and_fail(failed);
    let after = Picture::take();
    eprintln!("leak: {joined} joined, {detached} detached, {failed} that fail");
    eprintln!("leak: before: {before}\nleak: after:  {after}");
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(after.threads, before.threads);
    assert!(after.mappings <= before.mappings + 1, "the allocator may map once more");
    assert!(after.memory <= before.memory + FLAT);
    assert_eq!(after.server_descriptors, before.server_descriptors);
    assert_eq!(after.server_mappings, before.server_mappings);
    assert!(after.server_memory <= before.server_memory + FLAT);
    assert_no_new_names(&names);
}
