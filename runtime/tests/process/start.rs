//! What the start methods promise one by one, and what they cost.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use offspring::sync::Mutex;
use offspring::{Error, Shared, StartMethod, preload, process};

use crate::support::{echo, open_descriptors, own_children, run, sleep, until};

static PRELOADED_BY: AtomicU32 = AtomicU32::new(0);

#[preload]
fn prepare() {
    PRELOADED_BY.store(std::process::id(), SeqCst);
}

#[process]
fn preloaded_by() -> u32 {
    PRELOADED_BY.load(SeqCst)
}

#[process]
fn wait_for(flag: &Shared<AtomicU32>) -> u32 {
    until(|| flag.load(SeqCst) != 0);
    flag.load(SeqCst)
}

#[process]
fn descriptors() -> usize {
    open_descriptors()
}

#[process]
fn file_behind(number: i32) -> Option<String> {
    Some(fs::read_link(format!("/proc/self/fd/{number}")).ok()?.to_string_lossy().into_owned())
}

#[process]
fn method_and_thread() -> (StartMethod, u32, usize) {
    let threads = fs::read_dir("/proc/self/task").unwrap().count();
    (process::start_method(), nix::unistd::gettid().as_raw() as u32, threads)
}

/// The helper, by the name that `ps` shows for it.
fn server() -> Option<u32> {
    own_children().into_iter().find(|pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.starts_with("offspring-serve") && crate::support::state(*pid) != Some('Z')
    })
}

under_each_method! {
    fn children_have_the_parents_start_method() {
        let process = method_and_thread::spawn().unwrap();
        let pid = process.pid();
        assert_eq!(process.join().unwrap(), (process::start_method(), pid, 1));
    }

    fn every_task_can_choose() {
        for method in [StartMethod::Spawn, StartMethod::Fork, StartMethod::ForkServer] {
            assert_eq!(echo::task(5).start_method(method).spawn().unwrap().join().unwrap(), 5);
        }
    }

    /// No child has a descriptor more because of its brothers and sisters.
    fn descriptors_do_not_pile_up_in_children() {
        let flag = Shared::new(AtomicU32::new(0)).unwrap();
        descriptors::spawn().unwrap().join().unwrap();
        let alone = descriptors::spawn().unwrap().join().unwrap();
        if process::start_method() != StartMethod::Fork {
            let _others: Vec<_> = (0..5).map(|_| wait_for::spawn(&flag).unwrap()).collect();
            assert_eq!(descriptors::spawn().unwrap().join().unwrap(), alone);
            flag.store(1, SeqCst);
        }
    }

    fn nothing_is_left_of_many_children() {
        let counts = || {
            let maps = fs::read_to_string("/proc/self/maps").unwrap();
            let shared = maps.lines().filter(|line| line.contains("memfd:")).count();
            (open_descriptors(), shared)
        };
        let round = || {
            for n in 0..10 {
                assert_eq!(echo::spawn(n).unwrap().join().unwrap(), n);
                assert!(echo::task(n).current_dir("/no/such/place").spawn().is_err());
                let flag = Shared::new(AtomicU32::new(3)).unwrap();
                assert_eq!(wait_for::spawn(&flag).unwrap().join().unwrap(), 3);
            }
        };
        round();
        let before = counts();
        (0..3).for_each(|_| round());
        let after = counts();
        assert_eq!(after.1, before.1);
        // The server's waiting children come in as they are asked for.
        assert!(after.0 <= before.0 + 2, "{before:?} {after:?}");
        assert!(own_children().iter().all(|&pid| crate::support::state(pid) != Some('Z')));
    }

    /// Under Fork a child is a copy; else it has only what it was handed.
    fn files_of_the_parent() {
        echo::spawn(0).unwrap().join().unwrap();
        let file = File::open("/proc/version").unwrap();
        let number = rustix::io::fcntl_dupfd_cloexec(&file, 70).unwrap();
        let seen = file_behind::spawn(number.as_raw_fd()).unwrap().join().unwrap();
        let copied = process::start_method() == StartMethod::Fork;
        assert_eq!(seen.as_deref(), copied.then_some("/proc/version"));
    }
}

#[process(start = "spawn", timeout = "60s")]
fn kill_the_server() {
    let flag = Shared::new(AtomicU32::new(0)).unwrap();
    let running = wait_for::spawn(&flag).unwrap();
    let first = server().unwrap();
    kill(Pid::from_raw(first as i32), Signal::SIGKILL).unwrap();
    for n in 0..8 {
        assert_eq!(echo::spawn(n).unwrap().join().unwrap(), n);
    }
    assert_ne!(server().unwrap(), first);
    flag.store(8, SeqCst);
    assert_eq!(running.join().unwrap(), 8);
}

#[test]
fn a_killed_server_is_replaced_without_loss() {
    run(kill_the_server::task());
}

#[process(start = "spawn", timeout = "60s")]
fn interrupt_the_server() {
    let sleeper = sleep::spawn().unwrap();
    let first = server().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        kill(Pid::from_raw(first as i32), signal).unwrap();
    }
    assert_eq!(echo::spawn(3).unwrap().join().unwrap(), 3);
    assert_eq!(server(), Some(first));
    sleeper.kill().unwrap();
}

/// Ctrl-C is for the program; its helper ends when the program does.
#[test]
fn an_interrupted_server_goes_on() {
    run(interrupt_the_server::task());
}

#[process(start = "spawn", timeout = "60s")]
fn preload_in_the_server() {
    assert_eq!(PRELOADED_BY.load(SeqCst), 0);
    let by: Vec<_> = (0..5).map(|_| preloaded_by::spawn().unwrap().join().unwrap()).collect();
    assert_eq!(by, [server().unwrap(); 5]);
    for method in [StartMethod::Spawn, StartMethod::Fork] {
        let task = preloaded_by::task().start_method(method);
        assert_eq!(task.spawn().unwrap().join().unwrap(), 0);
    }
}

#[test]
fn preloaded_memory_is_inherited() {
    run(preload_in_the_server::task());
}

/// The harness's own threads run here.
#[test]
fn a_fork_beside_threads_is_refused() {
    match echo::task(1).start_method(StartMethod::Fork).spawn() {
        Err(Error::ForkWithThreads { threads }) => assert!(threads > 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(echo::spawn(1).unwrap().join().unwrap(), 1);
}

/// Safe code of the copy could reach the guard, and with it what the original has locked.
#[process(start = "spawn", timeout = "60s")]
fn fork_with_a_lock() {
    let value = Shared::new(Mutex::new(1)).unwrap();
    let guard = value.lock().unwrap();
    let refused = echo::task(1).start_method(StartMethod::Fork).spawn();
    assert!(matches!(refused, Err(Error::ForkWithLock)), "{refused:?}");
    drop(guard);
    let forked = echo::task(1).start_method(StartMethod::Fork).spawn();
    assert_eq!(forked.unwrap().join().unwrap(), 1);
}

#[test]
fn a_fork_with_a_lock_is_refused() {
    run(fork_with_a_lock::task());
}

#[test]
fn children_start_from_many_threads_at_once() {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..10 {
                    let sent = thread * 100 + n;
                    assert_eq!(echo::spawn(sent).unwrap().join().unwrap(), sent);
                }
            });
        }
    });
}
