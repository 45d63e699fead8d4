//! What an agent does: a number goes to something that runs beside it, and comes back one greater.
//!
//! Where nothing but an exit code can come back, that is the number; where a program is started that
//! is not ours, nothing does.
//!
//! # Safety
//! The one unsafe thing is a bare `fork`: its child calls `_exit` and nothing else.
#![allow(unsafe_code, reason = "a bare fork is what everything here is compared with")]

use std::env;
use std::ffi::CString;
use std::hint::black_box;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use offspring::{Process, StartMethod};

use crate::agent::NOTHING;
use crate::shape::BURST;
use crate::{Fallible, Shape, Way};

const SENT: u32 = 41;
const EXPECTED: u32 = 42;

/// A way to start something, and to get from it what it gives.
trait Start {
    type Child;
    fn start(&self, number: u32) -> Fallible<Self::Child>;
    fn join(&self, child: Self::Child) -> Fallible<u32>;
}

/// The time for `rounds` starts and joins; in a burst, for so many of one burst's processes.
///
/// # Errors
/// When the way fails, or loses the number.
pub fn measure(way: Way, shape: Shape, rounds: u64) -> Fallible<Duration> {
    match way {
        Way::BareFork => timed(&BareFork, shape, rounds),
        Way::ForkServer => timed(&Offspring(StartMethod::ForkServer), shape, rounds),
        Way::Fork => timed(&Offspring(StartMethod::Fork), shape, rounds),
        Way::Spawn => timed(&Offspring(StartMethod::Spawn), shape, rounds),
        Way::PosixSpawn => timed(&PosixSpawn::new()?, shape, rounds),
        Way::Command => timed(&Program(env::current_exe()?), shape, rounds),
        Way::Thread => timed(&Thread, shape, rounds),
        Way::Procspawn => timed(&Procspawn, shape, rounds),
        Way::PythonFork | Way::PythonForkServer | Way::PythonSpawn => {
            Err("CPython has an agent of its own".into())
        }
    }
}

fn timed<S: Start>(way: &S, shape: Shape, rounds: u64) -> Fallible<Duration> {
    let at_once = if shape == Shape::Burst { BURST } else { 1 };
    let mut children = Vec::with_capacity(at_once as usize);
    let begin = Instant::now();
    for _ in 0..rounds {
        for _ in 0..at_once {
            children.push(way.start(black_box(SENT))?);
        }
        for child in children.drain(..) {
            if way.join(child)? != EXPECTED {
                return Err("the number did not come back".into());
            }
        }
    }
    Ok(begin.elapsed() / at_once)
}

struct BareFork;

impl Start for BareFork {
    type Child = Pid;

    fn start(&self, number: u32) -> Fallible<Pid> {
        // SAFETY: the child calls nothing but `_exit`, which is async-signal-safe.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(child),
            // SAFETY: ends the process, without anything that the parent has registered.
            ForkResult::Child => unsafe { libc::_exit(number as i32 + 1) },
        }
    }

    fn join(&self, child: Pid) -> Fallible<u32> {
        exit_code(child)
    }
}

fn exit_code(child: Pid) -> Fallible<u32> {
    match waitpid(child, None)? {
        WaitStatus::Exited(_, code) => Ok(code.try_into()?),
        other => Err(format!("an unexpected end: {other:?}").into()),
    }
}

#[offspring::process]
fn add_one(number: u32) -> u32 {
    number + 1
}

struct Offspring(StartMethod);

impl Start for Offspring {
    type Child = Process<u32>;

    fn start(&self, number: u32) -> Fallible<Self::Child> {
        Ok(add_one::task(number).start_method(self.0).spawn()?)
    }

    fn join(&self, child: Self::Child) -> Fallible<u32> {
        Ok(child.join()?)
    }
}

/// Everything that the call wants is made beforehand.
struct PosixSpawn {
    program: CString,
    actions: PosixSpawnFileActions,
    attributes: PosixSpawnAttr,
    environment: Vec<CString>,
}

impl PosixSpawn {
    fn new() -> Fallible<Self> {
        let variable = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            CString::new([key.into_vec(), b"=".to_vec(), value.into_vec()].concat())
        };
        Ok(Self {
            program: CString::new(env::current_exe()?.into_os_string().into_vec())?,
            actions: PosixSpawnFileActions::init()?,
            attributes: PosixSpawnAttr::init()?,
            environment: env::vars_os().map(variable).collect::<Result<_, _>>()?,
        })
    }
}

impl Start for PosixSpawn {
    type Child = Pid;

    fn start(&self, _number: u32) -> Fallible<Pid> {
        let arguments = [self.program.clone(), CString::new(NOTHING)?];
        let Self { program, actions, attributes, environment } = self;
        Ok(posix_spawn(program.as_c_str(), actions, attributes, &arguments, environment)?)
    }

    fn join(&self, child: Pid) -> Fallible<u32> {
        exit_code(child).map(|code| EXPECTED + code)
    }
}

struct Program(PathBuf);

impl Start for Program {
    type Child = Child;

    fn start(&self, _number: u32) -> Fallible<Child> {
        Ok(Command::new(&self.0).arg(NOTHING).spawn()?)
    }

    fn join(&self, mut child: Child) -> Fallible<u32> {
        let status = child.wait()?;
        status.success().then_some(EXPECTED).ok_or_else(|| format!("failed: {status}").into())
    }
}

struct Thread;

impl Start for Thread {
    type Child = JoinHandle<u32>;

    fn start(&self, number: u32) -> Fallible<Self::Child> {
        Ok(thread::Builder::new().spawn(move || number + 1)?)
    }

    fn join(&self, child: Self::Child) -> Fallible<u32> {
        child.join().map_err(|_| "the thread panicked".into())
    }
}

struct Procspawn;

impl Start for Procspawn {
    type Child = procspawn::JoinHandle<u32>;

    fn start(&self, number: u32) -> Fallible<Self::Child> {
        Ok(procspawn::spawn(number, |number| number + 1))
    }

    fn join(&self, child: Self::Child) -> Fallible<u32> {
        Ok(child.join()?)
    }
}
