//! What the tests share: running a test under each start method, waiting without guessing how long.

#![allow(unsafe_code, reason = "a test's signals are put in order")]

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal};
use offspring::process;
pub(crate) use offspring::{StartMethod, set_start_method};

/// Longer than any machine takes; only a failure ever waits for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Turns each function into three tests, one for each start method, whose body runs in a process of
/// its own: with one thread, and with children, signals and streams that are nobody else's.
macro_rules! under_each_method {
    ($($(#[doc = $doc:literal])* fn $name:ident() $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports, reason = "some tests use nothing else")]
            use super::*;

            #[offspring::process(start = "spawn", timeout = "60s")]
            fn body(method: $crate::support::StartMethod) {
                $crate::support::set_start_method(method);
                $crate::support::listen();
                $body
            }

            #[test]
            fn fork_server() {
                $crate::support::run(body::task($crate::support::StartMethod::ForkServer));
            }

            #[test]
            fn fork() {
                $crate::support::run(body::task($crate::support::StartMethod::Fork));
            }

            #[test]
            fn spawn() {
                $crate::support::run(body::task($crate::support::StartMethod::Spawn));
            }
        }
    )+};
}

/// Has signals of the terminal their usual effect: a shell's background ignores them.
pub(crate) fn listen() {
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        // SAFETY: SIG_DFL runs no code.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.unwrap();
    }
}

/// Runs a test's body; what the family prints is shown only if it fails.
#[track_caller]
pub(crate) fn run(body: offspring::Task<()>) {
    let log = tempfile::tempfile().unwrap();
    let (out, err) = (log.try_clone().unwrap(), log.try_clone().unwrap());
    let ended = body.stdout(out).stderr(err).spawn().unwrap().join();
    if let Err(error) = ended {
        panic!("{error}\n--- its output:\n{}", contents(log));
    }
}

/// What was written to a file, from its beginning.
pub(crate) fn contents(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// Waits until something has happened.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < DEADLINE, "it never happens");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The state of a process in `ps`, as `S` or `Z`; none when nothing is left of it.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The children of this process, dead ones too.
pub(crate) fn own_children() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

/// How many descriptors this process has open.
pub(crate) fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A task that ends when it is killed; or with its parent, so that a test that fails leaves nobody.
#[process]
pub(crate) fn sleep() {
    if let Some(parent) = process::parent() {
        parent.wait_timeout(Duration::MAX).unwrap();
    }
}

/// A task that gives back what it got.
#[process]
pub(crate) fn echo(number: u64) -> u64 {
    number
}
