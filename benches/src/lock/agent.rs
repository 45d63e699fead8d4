//! From a case and a rival to nanoseconds: one agent for each pair, with its crew ready.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use offspring::{Barrier, Event, Semaphore, Shared};

use super::counting::{Binary, Counting, Locking};
use super::raw_sync::RawSync;
use super::reading::{Mostly, Reading};
use super::turns::{self, Passing, Turns};
use super::{Case, Rival, pthread, rounds, semaphore};
use crate::crew::{self, Crew, Hands, Subject};
use crate::{Agent, Fallible, memory};

/// First argument of an executable that is to be an agent for locks.
pub const AGENT: &str = "--lock-agent";

/// Does so many rounds, and says how long it took.
type Measure = Box<dyn FnMut(u64) -> Fallible<Duration>>;

/// Starts an agent.
///
/// # Errors
/// When it cannot be started.
pub fn start(case: Case, rival: Rival) -> Fallible<Agent> {
    let mut command = if rival == Rival::Python {
        let mut python = Command::new("python3");
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lock/cpython.py"));
        python
    } else {
        let mut own = Command::new(env::current_exe()?);
        own.args([AGENT, rival.key()]);
        own
    };
    command.arg(case.key());
    Agent::run(command)
}

/// What an agent for locks does.
///
/// # Errors
/// When the work cannot be done.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Fallible<()> {
    let mut next = || arguments.next().ok_or("an agent for locks needs a rival and a case");
    let rival = Rival::named(&next()?).ok_or("no such rival")?;
    let case = Case::named(&next()?).ok_or("no such case")?;
    if case == Case::EventAsleep {
        crew::stay_on_one_processor()?;
    }
    crate::agent::answer(prepare(case, rival)?)
}

fn prepare(case: Case, rival: Rival) -> Fallible<Measure> {
    match case {
        Case::Uncontended | Case::Contended2 | Case::Contended4 => locks(case, rival),
        Case::Semaphore => match rival {
            Rival::Offspring => alone(memory::kept(semaphore::Offspring(Semaphore::new(1)?))),
            _ => alone(memory::kept(semaphore::Posix(pthread::Semaphore::shared(1)?))),
        },
        Case::EventAwake | Case::EventAsleep => events(rival),
        Case::Condvar => condvars(rival),
        Case::Barrier2 | Case::Barrier4 => barriers(case.parties(), rival),
        Case::Reading2 | Case::Reading4 => readers(case.parties(), rival),
    }
}

fn alone<S: Subject>(subject: &'static S) -> Fallible<Measure> {
    Ok(Box::new(move |rounds| {
        let order = subject.order(rounds);
        let start = Instant::now();
        subject.run(0, 1, order);
        Ok(start.elapsed())
    }))
}

fn together<S: Subject>(subject: &'static S, of: usize, hands: Hands) -> Fallible<Measure> {
    let mut crew = Crew::new(subject, of, hands)?;
    Ok(Box::new(move |rounds| crew.time(subject, rounds)))
}

fn locks(case: Case, rival: Rival) -> Fallible<Measure> {
    fn by<L: Locking>(case: Case, lock: L, hands: Hands) -> Fallible<Measure> {
        let subject = Counting::new(lock);
        if case.parties() == 1 { alone(subject) } else { together(subject, case.parties(), hands) }
    }
    match rival {
        Rival::Offspring => {
            by(case, Shared::new(offspring::sync::Mutex::new(0))?, Hands::Processes)
        }
        Rival::Std => by(case, std::sync::Mutex::new(0), Hands::Threads),
        Rival::ParkingLot => by(case, parking_lot::Mutex::new(0), Hands::Threads),
        Rival::Pthread => by(case, pthread::Mutex::shared(false)?, Hands::Processes),
        Rival::Robust => by(case, pthread::Mutex::shared(true)?, Hands::Processes),
        Rival::Posix => by(case, Binary::new()?, Hands::Processes),
        Rival::RawSync => by(case, RawSync::new()?, Hands::Processes),
        Rival::Pipe | Rival::Python => Err("it has no lock here".into()),
    }
}

fn events(rival: Rival) -> Fallible<Measure> {
    match rival {
        Rival::Offspring => {
            let events = turns::Events([Event::new()?, Event::new()?]);
            together(memory::kept(events), 2, Hands::Processes)
        }
        Rival::Posix => {
            let pair = [pthread::Semaphore::shared(0)?, pthread::Semaphore::shared(0)?];
            together(memory::kept(turns::Semaphores(pair)), 2, Hands::Processes)
        }
        Rival::Pipe => together(memory::kept(turns::Pipes::new()?), 2, Hands::Processes),
        _ => Err("it has no event here".into()),
    }
}

fn condvars(rival: Rival) -> Fallible<Measure> {
    fn by<P: Passing>(passing: P, hands: Hands) -> Fallible<Measure> {
        together(memory::kept(Turns(passing)), 2, hands)
    }
    match rival {
        Rival::Offspring => by(Shared::new(turns::Own::default())?, Hands::Processes),
        Rival::Std => by(turns::Std::default(), Hands::Threads),
        Rival::ParkingLot => by(turns::ParkingLot::default(), Hands::Threads),
        Rival::Pthread => by(pthread::Condvar::shared()?, Hands::Processes),
        _ => Err("it has no condition variable here".into()),
    }
}

fn barriers(of: usize, rival: Rival) -> Fallible<Measure> {
    match rival {
        Rival::Offspring => {
            together(memory::kept(rounds::Offspring(Barrier::new(of)?)), of, Hands::Processes)
        }
        Rival::Std => {
            together(memory::kept(rounds::Std(std::sync::Barrier::new(of))), of, Hands::Threads)
        }
        Rival::Pthread => {
            let barrier = pthread::Barrier::shared(of.try_into()?)?;
            together(memory::kept(rounds::Pthread(barrier)), of, Hands::Processes)
        }
        _ => Err("it has no barrier here".into()),
    }
}

fn readers(of: usize, rival: Rival) -> Fallible<Measure> {
    fn by<R: Reading>(lock: R, of: usize, hands: Hands) -> Fallible<Measure> {
        together(memory::kept(Mostly(lock)), of, hands)
    }
    match rival {
        Rival::Offspring => by(Shared::new(offspring::sync::RwLock::new(0))?, of, Hands::Processes),
        Rival::Std => by(std::sync::RwLock::new(0), of, Hands::Threads),
        Rival::ParkingLot => by(parking_lot::RwLock::new(0), of, Hands::Threads),
        Rival::Pthread => by(pthread::RwLock::shared()?, of, Hands::Processes),
        _ => Err("it has no lock for readers here".into()),
    }
}
