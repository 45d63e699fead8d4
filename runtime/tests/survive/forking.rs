//! `StartMethod::Fork` beside threads; programs without `/proc`; a timer's signals in a program with one thread.

#![allow(unsafe_code, reason = "mounts, a handler and a timer")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use offspring::{Error, Process, StartMethod, process};

use crate::Case;
use crate::child::{Count, kill_at_random};
use crate::support::{Random, children, run};

pub(crate) const CASES: &[Case] = &[
    ("a_fork_beside_threads_is_refused_with_their_number", || run("threaded", |_| ())),
    ("a_fork_just_after_a_thread_was_joined_works", || run("joined", |_| ())),
    ("a_forked_child_killed_around_its_result_gives_it_or_its_death", || run("killed", |_| ())),
    ("without_proc_there_is_a_typed_error", || run("without_proc", |_| ())),
    ("no_start_method_minds_a_timers_signals", || run("timed", |_| ())),
];
pub(crate) const VICTIMS: &[Case] = &[
    ("killed", killed),
    ("threaded", threaded),
    ("joined", joined),
    ("without_proc", without_proc),
    ("timed", timed),
];

const METHODS: [StartMethod; 3] = [StartMethod::Fork, StartMethod::ForkServer, StartMethod::Spawn];

#[process]
fn answer() -> u32 {
    42
}

#[process]
fn sleep(time: Duration) -> u32 {
    thread::sleep(time);
    7
}

fn start(method: StartMethod) -> offspring::Result<Process<u32>> {
    answer::task().start_method(method).spawn()
}

#[track_caller]
fn assert_works(method: StartMethod) {
    assert_eq!(start(method).expect("a process more").join().expect("a result"), 42);
}

fn killed() {
    let mut random = Random::new("forking");
    for (times, len) in [(200, 100), (40, 8 << 20)] {
        let Count { results, deaths } = kill_at_random(StartMethod::Fork, times, len, &mut random);
        eprintln!("forking: {len} bytes: {times} killed; {results} results, {deaths} deaths");
        assert!(deaths > 0, "no child was killed in time");
    }
    assert!(children().is_empty(), "{:?}", children());
}

fn threaded() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    thread::park_timeout(Duration::from_millis(5));
                }
            });
        }
        let refusal = start(StartMethod::Fork);
        assert_works(StartMethod::ForkServer);
        assert_works(StartMethod::Spawn);
        done.store(true, Relaxed);
        match refusal {
            Err(error @ Error::ForkWithThreads { threads: 4 }) => {
                assert!(error.to_string().contains('4'));
            }
            other => panic!("{other:?}"),
        }
    });
}

/// A joined thread may be seen in `/proc` for a moment yet; the library's own helper thread, too.
fn joined() {
    for round in 0..300 {
        thread::spawn(|| ()).join().expect("nothing can go wrong");
        assert_works(StartMethod::Fork);
        if round % 10 == 0 {
            // Detached: the library watches it with a thread of its own.
            drop(sleep::task(Duration::from_millis(5)).start_method(StartMethod::Fork).spawn());
            assert_works(StartMethod::Fork);
        }
    }
}

fn mount(
    source: &std::ffi::CStr,
    target: &std::ffi::CStr,
    kind: &std::ffi::CStr,
    flags: u64,
) -> Result<(), Errno> {
    // SAFETY: all three are C strings that outlive the call.
    let failed = unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, std::ptr::null())
    };
    Errno::result(failed).map(drop)
}

/// Hides `/proc` from this process and its children alone.
fn hide_proc() -> Result<(), Errno> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(c"none", c"/", c"", libc::MS_REC | libc::MS_PRIVATE)?;
    mount(c"none", c"/proc", c"tmpfs", 0)
}

fn without_proc() {
    if let Err(reason) = hide_proc() {
        eprintln!("forking: not tested without /proc: {reason}");
        return;
    }
    for method in METHODS {
        match start(method) {
            Err(Error::NoProc) => {}
            other => panic!("{method:?}: {other:?}"),
        }
    }
    // SAFETY: the path is a C string.
    let failed = unsafe { libc::umount2(c"/proc".as_ptr(), libc::MNT_DETACH) };
    assert_eq!(failed, 0);
    METHODS.into_iter().for_each(assert_works);
}

static RUNG: AtomicU64 = AtomicU64::new(0);

extern "C" fn ring(_: i32) {
    RUNG.fetch_add(1, Relaxed);
}

/// An interval timer, whose signals interrupt system calls; of zero, it is switched off.
fn set_timer(interval: Duration) {
    let every = libc::timeval { tv_sec: 0, tv_usec: interval.as_micros() as libc::suseconds_t };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: the new value is valid, and the old one is not wanted.
    let failed = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    assert_eq!(failed, 0);
}

fn timed() {
    let action = SigAction::new(SigHandler::Handler(ring), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(Signal::SIGALRM, &action) }.expect("a handler");
    set_timer(Duration::from_micros(200));
    for _ in 0..20 {
        for method in METHODS {
            assert_works(method);
            let slow = sleep::task(Duration::from_millis(20))
                .start_method(method)
                .spawn()
                .expect("a process more");
            let (begin, patience) = (Instant::now(), Duration::from_millis(5));
            let ended = slow.wait_timeout(patience).expect("a wait");
            assert!(ended.is_some() || begin.elapsed() >= patience, "it returned early");
            assert_eq!(slow.join().expect("a result"), 7);
        }
    }
    set_timer(Duration::ZERO);
    let rung = RUNG.load(Relaxed);
    eprintln!("forking: {rung} signals of a timer");
    assert!(rung > 500, "that was no storm");
}
