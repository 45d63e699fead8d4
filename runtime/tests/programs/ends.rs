//! The end of a program: its daemons, its other children, its own exit code.

#![allow(unsafe_code, reason = "dispositions of signals are changed, as a stubborn daemon may")]

use std::process::ExitCode;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::wait::WaitStatus;
use offspring::{Shared, StartMethod, daemon, process};

use crate::runner::{Case, Program, command, run, start, until};

/// Long enough for a `main` that does not wait to be over before.
const A_WHILE: Duration = Duration::from_millis(60);

#[daemon]
fn idle() {
    loop {
        thread::park();
    }
}

#[daemon]
fn stubborn(ready: &Shared<AtomicU32>) {
    // SAFETY: SIG_IGN runs no code.
    unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.unwrap();
    SigSet::all().thread_set_mask().unwrap();
    ready.store(1, SeqCst);
    loop {
        std::hint::black_box(0);
    }
}

#[daemon]
fn with_children(ready: &Shared<AtomicU32>) {
    let _children = [slow::spawn(3600).unwrap(), slow::spawn(3600).unwrap()];
    ready.store(1, SeqCst);
    idle();
}

#[process]
fn slow(seconds: u64) {
    thread::sleep(Duration::from_secs(seconds));
}

#[process]
fn late(text: &str) {
    thread::sleep(A_WHILE);
    println!("{text}");
}

#[process]
fn outlives(text: &str) {
    let parent = process::parent().unwrap();
    assert!(parent.wait_timeout(Duration::MAX).unwrap());
    println!("{text}");
}

#[process]
fn leaves_a_child(text: &str) {
    drop(late::spawn(text).unwrap());
    idle::spawn().unwrap();
}

fn family() {
    idle::spawn().unwrap();
    drop(late::spawn("late").unwrap());
}

fn returns() -> ExitCode {
    family();
    ExitCode::SUCCESS
}

fn returns_7() -> ExitCode {
    family();
    ExitCode::from(7)
}

fn exits_7() -> ExitCode {
    family();
    std::process::exit(7)
}

fn fails() -> ExitCode {
    family();
    // What `fn main() -> Result<..>` does with an error.
    let result: Result<(), std::fmt::Error> = Err(std::fmt::Error);
    std::process::Termination::report(result)
}

fn panics() -> ExitCode {
    family();
    panic!("main has had enough");
}

fn keeps_a_handle() -> ExitCode {
    let _process = late::spawn("late").unwrap();
    let _daemon = idle::spawn().unwrap();
    ExitCode::SUCCESS
}

fn has_grandchildren() -> ExitCode {
    drop(leaves_a_child::spawn("from far").unwrap());
    ExitCode::from(3)
}

fn has_a_stubborn_daemon() -> ExitCode {
    let ready = Shared::new(AtomicU32::new(0)).unwrap();
    drop(stubborn::spawn(&ready).unwrap());
    until(|| ready.load(SeqCst) == 1);
    ExitCode::from(5)
}

fn has_a_daemon_with_children() -> ExitCode {
    let ready = Shared::new(AtomicU32::new(0)).unwrap();
    drop(with_children::spawn(&ready).unwrap());
    until(|| ready.load(SeqCst) == 1);
    ExitCode::from(6)
}

/// Waits to be killed, with daemons that will not hear and a child that is none.
fn is_killed() -> ExitCode {
    let (ready, nested) =
        (Shared::new(AtomicU32::new(0)).unwrap(), Shared::new(AtomicU32::new(0)).unwrap());
    let _daemons = (idle::spawn(), stubborn::spawn(&ready), with_children::spawn(&nested));
    let _child = outlives::spawn("goes on").unwrap();
    until(|| ready.load(SeqCst) + nested.load(SeqCst) == 2);
    println!("ready");
    thread::sleep(Duration::from_secs(3600));
    ExitCode::SUCCESS
}

fn is_interrupted() -> ExitCode {
    let _family = (slow::spawn(3600), slow::spawn(3600), idle::spawn(), nested_slow::spawn());
    println!("ready");
    // Waits as a program does.
    let _ = slow::spawn(3600).unwrap().join();
    ExitCode::SUCCESS
}

#[process]
fn nested_slow() {
    let _ = slow::spawn(3600).unwrap().join();
}

pub(crate) const PROGRAMS: &[Program] = &[
    ("returns", returns),
    ("returns_7", returns_7),
    ("exits_7", exits_7),
    ("fails", fails),
    ("panics", panics),
    ("keeps_a_handle", keeps_a_handle),
    ("has_grandchildren", has_grandchildren),
    ("has_a_stubborn_daemon", has_a_stubborn_daemon),
    ("has_a_daemon_with_children", has_a_daemon_with_children),
    ("is_killed", is_killed),
    ("is_interrupted", is_interrupted),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("ends::daemons_are_ended_and_others_joined", |method| {
            run("returns", method).assert_clean(0, "late\n");
            run("keeps_a_handle", method).assert_clean(0, "late\n");
        }),
        ("ends::the_exit_code_is_mains_own", |method| {
            run("returns_7", method).assert_clean(7, "late\n");
            run("exits_7", method).assert_clean(7, "late\n");
        }),
        ("ends::an_error_of_main", |method| {
            let ended = run("fails", method);
            assert_eq!((ended.code, &*ended.output), (Some(1), "late\n"), "{ended:#?}");
            assert_eq!((&*ended.errors, ended.survivors), ("Error: Error\n", 0), "{ended:#?}");
        }),
        ("ends::a_panic_of_main", |method| {
            let ended = run("panics", method);
            assert_eq!((ended.code, &*ended.output), (Some(101), "late\n"), "{ended:#?}");
            assert_eq!(ended.errors.matches("main has had enough").count(), 1, "{ended:#?}");
            assert_eq!((ended.survivors, ended.orphans.len()), (0, 0), "{ended:#?}");
        }),
        ("ends::a_child_ends_its_own_family_first", |method| {
            run("has_grandchildren", method).assert_clean(3, "from far\n");
        }),
        ("ends::a_daemon_that_will_not_hear_is_killed", |method| {
            run("has_a_stubborn_daemon", method).assert_clean(5, "");
        }),
        ("ends::children_of_a_daemon_end_with_it", |method| {
            let ended = run("has_a_daemon_with_children", method);
            assert_eq!((ended.code, &*ended.errors), (Some(6), ""), "{ended:#?}");
        }),
        ("ends::a_killed_program_takes_its_daemons_along", killed),
        ("ends::an_interrupted_family_ends_in_silence", interrupted),
    ]
}

fn killed(method: StartMethod) {
    let expected = "ready\ngoes on\n";
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let running = start(command("is_killed", method));
        running.line();
        running.signal(signal);
        // All of them end, or waiting for them would not: those that are no daemons by themselves.
        let ended = running.ended();
        assert_eq!(ended.signal, Some(signal as i32), "{ended:#?}");
        assert_eq!((&*ended.output, &*ended.errors), (expected, ""), "{ended:#?}");
    }
}

fn interrupted(method: StartMethod) {
    let running = start(command("is_interrupted", method));
    running.line();
    running.signal_all(Signal::SIGINT);
    let ended = running.ended();
    assert_eq!(ended.signal, Some(Signal::SIGINT as i32), "{ended:#?}");
    assert_eq!((&*ended.output, &*ended.errors), ("ready\n", ""), "{ended:#?}");
    let by_other = |status: &&WaitStatus| {
        !matches!(
            status,
            WaitStatus::Signaled(_, Signal::SIGINT | Signal::SIGKILL, _) | WaitStatus::Exited(_, 0)
        )
    };
    assert_eq!(ended.orphans.iter().find(by_other), None, "{ended:#?}");
}
