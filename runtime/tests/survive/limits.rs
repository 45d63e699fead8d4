//! No descriptor is left: here, or in the fork server. It is an error with a reason, and passes with its cause.

use std::thread;

use offspring::{Error, Process, StartMethod, process};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::Case;
use crate::support::{
    assert_only_helpers_remain, children, kill_pid, open_descriptors, run, server, wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("without_descriptors_a_spawn_says_so_and_later_works_again", || run("poor", |_| ())),
    ("the_first_spawn_of_a_program_without_descriptors_says_so", || {
        run("poor_from_the_start", |_| ());
    }),
    ("without_any_descriptor_a_spawn_says_so", || run("destitute", |_| ())),
    ("a_server_without_descriptors_says_so_and_later_works_again", || run("poor_server", |_| ())),
];
pub(crate) const VICTIMS: &[Case] = &[
    ("poor", poor),
    ("destitute", destitute),
    ("poor_from_the_start", poor_from_the_start),
    ("poor_server", poor_server),
];

const METHODS: [StartMethod; 3] = [StartMethod::Fork, StartMethod::ForkServer, StartMethod::Spawn];

#[process]
fn wait_for_ever() {
    loop {
        thread::park();
    }
}

#[process]
fn answer() -> u32 {
    42
}

fn start(method: StartMethod) -> offspring::Result<Process<u32>> {
    answer::task().start_method(method).spawn()
}

fn limit_to(descriptors: u64) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(descriptors), maximum }).expect("a limit");
}

#[track_caller]
fn assert_no_descriptor(error: &Error) {
    let Error::System { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.raw_os_error(), Some(libc::EMFILE), "{error}");
}

#[track_caller]
fn assert_works(method: StartMethod) {
    for _ in 0..10 {
        let child = start(method).expect("descriptors are there again");
        assert_eq!(child.join().expect("a result"), 42);
    }
}

/// Spawns until it is refused, at every number of free descriptors that a spawn might stumble over.
fn poor() {
    let generous = getrlimit(Resource::Nofile).current.expect("a limit");
    for method in METHODS {
        assert_works(method);
        assert_only_helpers_remain();
        let before = open_descriptors();
        for free in 0..16 {
            limit_to(before as u64 + free);
            let mut held: Vec<Process<()>> = Vec::new();
            let refusal = loop {
                match wait_for_ever::task().daemon(true).start_method(method).spawn() {
                    Ok(child) => held.push(child),
                    Err(error) => break error,
                }
                assert!(held.len() < 64, "no limit is met");
            };
            assert_no_descriptor(&refusal);
            for child in held {
                child.kill().expect("a child of ours");
                assert!(child.join().is_err());
            }
            limit_to(generous);
            assert_works(method);
            assert_only_helpers_remain();
        }
        assert_eq!(open_descriptors(), before, "{method:?}");
    }
}

/// Not a single descriptor is free.
fn destitute() {
    METHODS.into_iter().for_each(assert_works);
    limit_to(64);
    let mut all = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        all.push(file);
    }
    for method in METHODS {
        match start(method) {
            Err(error) => assert_no_descriptor(&error),
            Ok(child) => panic!("{child:?}"),
        }
    }
    drop(all);
    METHODS.into_iter().for_each(assert_works);
    assert_only_helpers_remain();
}

/// The server is started anew under each limit; which step fails differs.
fn poor_from_the_start() {
    let generous = getrlimit(Resource::Nofile).current.expect("a limit");
    let (mut refused, before) = (0, open_descriptors());
    for free in 0..12 {
        if let Some(old) = server() {
            kill_pid(old);
            wait_until("it is dead", || server().is_none());
        }
        limit_to(before as u64 + free);
        for method in METHODS {
            match start(method).map(Process::join) {
                Ok(Ok(answer)) => assert_eq!(answer, 42),
                // Refused here, by the new process, or by the server.
                Ok(Err(offspring::JoinError::NotStarted(_) | offspring::JoinError::Lost(_))) => {
                    refused += 1;
                }
                Ok(Err(other)) => panic!("{other}"),
                Err(
                    Error::System { .. }
                    | Error::Handshake { .. }
                    | Error::Preload { .. }
                    | Error::NoProc,
                ) => {
                    refused += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        limit_to(generous);
    }
    assert!(refused > 0);
    // The server that began under the last limit keeps it; another one does not.
    server().into_iter().for_each(kill_pid);
    wait_until("there is a new server", || {
        start(StartMethod::ForkServer).is_ok() && server().is_some()
    });
    METHODS.into_iter().for_each(assert_works);
    assert_only_helpers_remain();
}

fn poor_server() {
    assert_works(StartMethod::ForkServer);
    let server = server().expect("a server");
    let pid = Pid::from_raw(server as i32);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = open_descriptors();
    for few in 0..8 {
        prlimit(pid, Resource::Nofile, Rlimit { current: Some(few), maximum }).expect("a limit");
        // Those that are ready already are not concerned.
        let spawns = (0..20).map(|_| start(StartMethod::ForkServer));
        let mut refusals = 0;
        for spawned in spawns.collect::<Vec<_>>() {
            match spawned {
                Ok(child) => drop(child.join()),
                Err(error) => {
                    assert_no_descriptor(&error);
                    refusals += 1;
                }
            }
        }
        assert!(refusals > 0 || few > 3, "{few} descriptors are enough?");
        prlimit(pid, Resource::Nofile, Rlimit { current, maximum }).expect("a limit");
        // Refusals that were on their way already come first.
        wait_until("it works again", || {
            let spawned = start(StartMethod::ForkServer);
            spawned.inspect_err(assert_no_descriptor).is_ok_and(|child| child.join().is_ok())
        });
        assert_works(StartMethod::ForkServer);
    }
    assert_only_helpers_remain();
    assert!(
        children().iter().any(|child| child.pid == server),
        "it is the same server all the time"
    );
    assert_eq!(open_descriptors(), before);
}
