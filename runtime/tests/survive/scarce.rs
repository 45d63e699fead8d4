//! Descriptors are short where it shows late: for supervision, in the task, for a stream that has to be sent, and
//! in the server until a moment ago.

use std::fs::File;
use std::sync::atomic::AtomicU32;

use offspring::{Error, JoinError, Process, Shared, StartMethod, Stdio, process};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::Case;
use crate::support::{
    DEADLINE, assert_only_helpers_remain, open_descriptors, run, server, spares, wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("without_descriptors_for_supervision_a_wait_ends_all_the_same", || {
        run("unsupervised", |_| ());
    }),
    ("more_handles_than_a_task_may_open_are_a_typed_error", || run("laden", |_| ())),
    ("output_never_goes_astray_for_want_of_a_descriptor", || run("redirected", |_| ())),
    ("a_shortage_in_the_server_that_is_over_is_forgotten", || run("relieved", |_| ())),
];
pub(crate) const VICTIMS: &[Case] = &[
    ("unsupervised", unsupervised),
    ("laden", laden),
    ("redirected", redirected),
    ("relieved", relieved),
];

const METHODS: [StartMethod; 3] = [StartMethod::ForkServer, StartMethod::Fork, StartMethod::Spawn];

#[process]
fn answer() -> u32 {
    42
}

#[process(retry = 2)]
fn answer_if_need_be_again() -> u32 {
    43
}

#[process]
fn count(handles: Vec<Shared<AtomicU32>>) -> usize {
    handles.len()
}

#[process]
fn say() {
    println!("here");
}

fn limit_to(descriptors: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(descriptors), maximum }).expect("a limit");
    current.unwrap_or(1024)
}

/// Takes all descriptors but so many.
fn take_all_but(free: usize) -> Vec<File> {
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len().saturating_sub(free));
    taken
}

#[track_caller]
fn assert_no_descriptor(error: &Error) {
    let Error::System { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.raw_os_error(), Some(libc::EMFILE), "{error}");
}

#[track_caller]
fn assert_works() {
    for method in METHODS {
        let child = answer::task().start_method(method).spawn().expect("a process more");
        assert_eq!(child.join().expect("a result"), 42);
    }
}

fn unsupervised() {
    assert_works();
    let generous = limit_to(64);
    let (mut refused, mut answered) = (0, 0);
    for method in METHODS {
        for free in 0..14 {
            let taken = take_all_but(free);
            match answer_if_need_be_again::task().start_method(method).spawn() {
                Ok(child) => {
                    let ended = child.wait_timeout(DEADLINE).expect("a wait");
                    assert!(ended.is_some(), "{method:?}, {free} free: nobody watches it");
                    // With no descriptor left for its own streams or memory, it says so.
                    match child.join() {
                        Ok(number) => {
                            assert_eq!(number, 43);
                            answered += 1;
                        }
                        Err(JoinError::NotStarted(_) | JoinError::Lost(_)) => refused += 1,
                        Err(other) => panic!("{method:?}, {free} free: {other}"),
                    }
                }
                Err(Error::Handshake { .. } | Error::NoProc) => refused += 1,
                Err(error) => {
                    assert_no_descriptor(&error);
                    refused += 1;
                }
            }
            drop(taken);
        }
    }
    assert!(refused > 0 && answered > 0, "{refused} refused, {answered} answered");
    limit_to(generous);
    server().into_iter().for_each(crate::support::kill_pid);
    wait_until("there is a server with the new limit", || {
        answer::spawn().is_ok() && server().is_some()
    });
    assert_works();
    assert_only_helpers_remain();
}

/// Children of the server have the limit of its start.
fn laden() {
    const ROOM: usize = 64;
    let generous = limit_to(ROOM as u64);
    assert_eq!(answer::spawn().expect("a process more").join().expect("a result"), 42);
    limit_to(generous);
    let all: Vec<_> =
        (0..2 * ROOM).map(|_| Shared::new(AtomicU32::new(0)).expect("memory")).collect();
    let (mut refused, mut taken) = (0, 0);
    for handles in (ROOM - 30..ROOM + 4).chain([2 * ROOM]) {
        let child = count::spawn(all[..handles].to_vec()).expect("a process more");
        match child.join() {
            Ok(counted) => {
                assert_eq!(counted, handles);
                taken += 1;
            }
            Err(error @ JoinError::NotStarted(_)) => {
                assert!(error.to_string().contains("descriptors"), "{error}");
                refused += 1;
            }
            Err(other) => panic!("{handles} handles: {other}"),
        }
    }
    assert!(refused > 4 && taken > 0, "{refused} refused, {taken} taken");
    assert_only_helpers_remain();
}

/// Standard output is another file than at the server's start, and must be sent along.
fn redirected() {
    assert_works();
    let former = tempfile::tempfile().expect("a file");
    rustix::stdio::dup2_stdout(&former).expect("a descriptor");
    // A server of this output, so that nobody's screen is written to when the test fails.
    server().into_iter().for_each(crate::support::kill_pid);
    wait_until("there is a new server", || answer::spawn().is_ok() && server().is_some());
    let output = tempfile::tempfile().expect("a file");
    rustix::stdio::dup2_stdout(&output).expect("a descriptor");
    let generous = limit_to(64);
    let (mut refused, mut said) = (0, 0);
    for (free, asked_for) in (0..14).flat_map(|free| [(free, false), (free, true)]) {
        let task = if asked_for { say::task().stdout(Stdio::inherit()) } else { say::task() };
        let taken = take_all_but(free);
        match task.spawn().map(Process::join) {
            Ok(Ok(())) => said += 1,
            Ok(Err(other)) => panic!("{free} free: {other}"),
            Err(error) => {
                assert_no_descriptor(&error);
                refused += 1;
            }
        }
        drop(taken);
        let (here, astray) = (output.metadata().expect("a file"), former.metadata());
        assert_eq!(here.len(), said * 5, "{free} free");
        assert_eq!(astray.expect("a file").len(), 0, "{free} free");
    }
    assert!(refused > 0 && said > 0, "{refused} refused, {said} said");
    limit_to(generous);
    assert_works();
    assert_only_helpers_remain();
}

/// Refusals that the server had sent before its relief are no answer to a spawn after it.
fn relieved() {
    let start = || answer::task().start_method(StartMethod::ForkServer).spawn();
    assert_works();
    let server = Pid::from_raw(server().expect("a server") as i32);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = open_descriptors();
    for round in 0..20 {
        prlimit(server, Resource::Nofile, Rlimit { current: Some(4), maximum }).expect("a limit");
        let refusal = (0..64).find_map(|_| match start() {
            Ok(child) => {
                child.join().expect("a result");
                None
            }
            Err(error) => Some(error),
        });
        assert_no_descriptor(&refusal.expect("a refusal: those that are ready are used up"));
        // Here a child takes what was said ahead.
        prlimit(server, Resource::Nofile, Rlimit { current, maximum }).expect("a limit");
        let child = start().unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(child.join().expect("a result"), 42);
        wait_until("children are ready", || !spares().is_empty());
    }
    assert_eq!(open_descriptors(), before);
    assert_only_helpers_remain();
}
