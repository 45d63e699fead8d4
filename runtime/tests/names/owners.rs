//! Whose a name is: nobody's end takes it away but its owner's, and the owner's end always does, however it comes.
//!
//! # Safety
//! Programs with one thread fork.

#![allow(unsafe_code, reason = "fork")]

use std::process::Command;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use offspring::{Manager, SharedMemory, StartMethod, process};

use crate::support::{
    Case, Program, argument, assert_name, hear, kill_pid, path_of, say, stay, sweep, unique,
    wait_until,
};

pub(crate) const CASES: &[Case] = &[
    ("owners: the end of one who has opened it takes nothing away", openers),
    ("owners: a killed owner's name is stale, then free", stale),
    ("owners: a killed owner's name goes with its fork server", server),
    ("owners: returning, leaving and panicking take the name away", ends),
    ("owners: forked copies neither own the name nor keep it", copies),
    ("owners: a copy made by somebody's own fork does not, either", raw_copies),
    ("owners: a program that was started by the owner does not keep the name", executed),
];

pub(crate) const PROGRAMS: &[Case] = &[("owner", owner), ("opener", opener)];

/// Makes memory and a manager of one name, and does as it is told.
#[allow(clippy::zombie_processes, reason = "it is killed before its children end")]
fn owner() {
    let name = argument(0);
    let memory = SharedMemory::create(&name, 10).unwrap();
    let manager = Manager::named(&name).unwrap();
    manager.lock("lock").unwrap();
    let copies = match argument(1).as_str() {
        "server" => Some(doze::task(&name).start_method(StartMethod::ForkServer)),
        "fork" => Some(doze::task(&name).start_method(StartMethod::Fork)),
        _ => None,
    };
    let children = copies.map(|task| task.spawn().unwrap());
    match argument(1).as_str() {
        // SAFETY: this program has one thread.
        "raw" => match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => say(child),
            ForkResult::Child => {
                drop((memory, manager));
                loop {
                    nix::unistd::pause();
                }
            }
        },
        "raw and gone" => {
            // SAFETY: as above.
            match unsafe { fork() }.unwrap() {
                ForkResult::Parent { child } => drop(waitpid(child, None).unwrap()),
                ForkResult::Child => {
                    drop((memory, manager));
                    std::process::exit(0);
                }
            }
        }
        "executed" => {
            let child = Command::new("sleep").arg("3600").spawn().unwrap();
            say(child.id());
        }
        _ => {}
    }
    if let Some(child) = &children {
        say(child.pid());
    }
    say("there");
    match hear().as_deref() {
        Some("exit") => std::process::exit(0),
        Some("panic") => {
            let _both = (memory, manager);
            std::panic::set_hook(Box::new(|_| ()));
            let _ = std::panic::catch_unwind(|| {
                let _more = Manager::named(&format!("{name}+")).unwrap();
                panic!("as told");
            });
        }
        _ => {}
    }
}

/// A child that outlives its parent, or not.
#[process]
fn doze(name: &str) {
    // What a forked copy has of its original's handles owns nothing.
    drop(SharedMemory::open(name));
    loop {
        std::thread::park();
    }
}

fn opener() {
    let memory = SharedMemory::open(&argument(0)).unwrap();
    let manager = Manager::attach(&argument(0)).unwrap();
    manager.lock("lock").unwrap();
    say("there");
    stay();
    drop((memory, manager));
}

#[track_caller]
fn assert_there(name: &str) {
    sweep();
    drop(SharedMemory::open(name).unwrap());
    drop(Manager::attach(name).unwrap());
}

#[track_caller]
fn assert_can_be_made(name: &str) {
    drop(SharedMemory::create(name, 1).unwrap());
    drop(Manager::named(name).unwrap());
}

fn is_there(name: &str) -> bool {
    ["memory", "manager"].iter().any(|kind| path_of(kind, name).exists())
}

fn start(name: &str, how: &str) -> Program {
    Program::start("owner", &[name, how])
}

fn openers() {
    let name = unique("openers");
    let owner = start(&name, "alone");
    owner.expect("there");
    for kill in [false, true] {
        let opener = Program::start("opener", &[&name]);
        opener.expect("there");
        if kill {
            opener.kill();
        } else {
            opener.end();
        }
        assert_there(&name);
    }
    assert_name!(SharedMemory::create(&name, 1), Taken);
    assert_name!(Manager::named(&name), Taken);
    owner.end();
    assert!(!is_there(&name));
}

fn stale() {
    let name = unique("stale");
    for again in [false, true] {
        let owner = start(&name, "alone");
        owner.expect("there");
        let pid = owner.pid();
        owner.kill();
        if again {
            // Without having been found dead before.
            assert_can_be_made(&name);
            continue;
        }
        let refused = offspring::NameError::StaleOwner { name: name.clone(), pid };
        assert_eq!(crate::support::refusal(Manager::attach(&name)), refused);
        assert_name!(Manager::attach(&name), Missing);
        // The look at the manager has swept the other one away, too.
        assert_name!(SharedMemory::open(&name), Missing);
        assert!(!is_there(&name));
        let owner = start(&name, "alone");
        owner.expect("there");
        owner.kill();
        assert_name!(SharedMemory::open(&name), StaleOwner);
        assert_name!(SharedMemory::open(&name), Missing);
        assert_can_be_made(&name);
    }
}

fn server() {
    let name = unique("server");
    let owner = start(&name, "server");
    let child = owner.line().parse().unwrap();
    owner.expect("there");
    owner.kill();
    // Nobody comes by.
    wait_until("the fork server sweeps", || !is_there(&name));
    kill_pid(child);
}

fn ends() {
    let name = unique("ends");
    for how in ["exit", "panic", "return"] {
        let mut owner = start(&name, "alone");
        owner.expect("there");
        owner.tell(how);
        owner.end();
        assert!(!is_there(&name) && !is_there(&format!("{name}+")), "{how}");
    }
}

fn copies() {
    let name = unique("copies");
    let owner = start(&name, "fork");
    let child = owner.line().parse().unwrap();
    owner.expect("there");
    assert_there(&name);
    owner.kill();
    assert_name!(Manager::attach(&name), StaleOwner);
    assert_can_be_made(&name);
    kill_pid(child);
}

fn raw_copies() {
    let name = unique("raw copies");
    let owner = start(&name, "raw and gone");
    owner.expect("there");
    assert_there(&name);
    owner.kill();
    assert_name!(SharedMemory::open(&name), StaleOwner);

    let owner = start(&name, "raw");
    let copy: i32 = owner.line().parse().unwrap();
    owner.expect("there");
    assert_there(&name);
    owner.kill();
    // It has the descriptors, but it is not the one that they are for.
    assert_name!(SharedMemory::open(&name), StaleOwner);
    assert_can_be_made(&name);
    kill_pid(copy.unsigned_abs());
}

fn executed() {
    let name = unique("executed");
    let owner = start(&name, "executed");
    let child = owner.line().parse().unwrap();
    owner.expect("there");
    owner.kill();
    assert_name!(Manager::attach(&name), StaleOwner);
    assert_can_be_made(&name);
    kill_pid(child);
}
