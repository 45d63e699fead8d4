//! From a case and a rival to nanoseconds: one agent for each pair, with its crew ready.

use std::env;
use std::path::Path;
use std::process::Command;

use super::case::{Case, Kind};
use super::family;
use super::flow::{self, Measure};
use super::iceoryx::{self, Iceoryx};
use super::limit::Limit;
use super::ours::{ByValue, Bytes, BytesInPlace, InPlace};
use super::rival::Rival;
use super::sockets::{IpcChannel, Packets, Pipe, Posix};
use super::threads;
use crate::crew::{self, Hands};
use crate::{Agent, Fallible, agent};

/// First argument of an executable that is to be an agent for queues.
pub const AGENT: &str = "--queue-agent";

/// glibc is to keep what is freed, for everybody: else those who send a `Vec` pay for new pages each time.
const KEEP_MEMORY: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_TRIM_THRESHOLD_", "1073741824")];

/// Whether this machine and system have it.
pub fn is_there(rival: Rival) -> bool {
    match rival {
        Rival::Posix => Posix::is_allowed(),
        _ if rival.python().is_some() => agent::has_python(),
        _ => true,
    }
}

/// Starts an agent.
///
/// # Errors
/// When it cannot be started.
pub fn start(case: Case, rival: Rival) -> Fallible<Agent> {
    let Some(name) = rival.python() else {
        let mut own = Command::new(env::current_exe()?);
        own.args([AGENT, rival.key(), case.key()]).envs(KEEP_MEMORY);
        return Agent::run(own);
    };
    let (kind, percent) = match case.kind() {
        Kind::Flow => ("flow", 0),
        Kind::Trips { percent } => ("trips", percent),
        Kind::Idle => ("idle", 0),
    };
    let numbers = [case.size(), case.batch(), case.pairs(), case.bound(), case.items(), percent];
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/queue/cpython.py"));
    python.envs(KEEP_MEMORY).args([kind, name]).args(numbers.map(|number| number.to_string()));
    python.arg(if case.on_one_processor() { "1" } else { "0" });
    Agent::run(python)
}

/// What an agent for queues does.
///
/// # Errors
/// When the work cannot be done.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Fallible<()> {
    let mut next = || arguments.next().ok_or("an agent for queues needs a rival and a case");
    let rival = Rival::named(&next()?).ok_or("no such rival")?;
    let case = Case::named(&next()?).ok_or("no such case")?;
    if case.on_one_processor() {
        crew::stay_on_one_processor()?;
    }
    let result = prepare(case, rival).and_then(agent::answer);
    iceoryx::leave_nothing();
    result
}

/// A lane for `$payload`, the type in which a batch of the case travels by value.
macro_rules! by_value {
    ($lane:ident, $case:expr) => {
        match $case.size() * $case.batch() {
            8 => flow::measure::<threads::$lane<u64>>($case, Hands::Threads),
            64 => flow::measure::<threads::$lane<[u8; 64]>>($case, Hands::Threads),
            512 => flow::measure::<threads::$lane<[u8; 512]>>($case, Hands::Threads),
            1024 => flow::measure::<threads::$lane<[u8; 1024]>>($case, Hands::Threads),
            4096 => flow::measure::<threads::$lane<[u8; 4096]>>($case, Hands::Threads),
            _ => flow::measure::<threads::$lane<Vec<u8>>>($case, Hands::Threads),
        }
    };
}

fn prepare(case: Case, rival: Rival) -> Fallible<Measure> {
    match rival {
        Rival::Offspring if case.size() == 8 => family::measure::<ByValue<u64>>(case),
        Rival::Offspring if case.batch() > 1 => family::measure::<ByValue<Vec<u8>>>(case),
        Rival::Offspring => family::measure::<Bytes>(case),
        Rival::InPlace if case.size() == 64 => family::measure::<InPlace<64>>(case),
        Rival::InPlace if case.size() == 1024 => family::measure::<InPlace<1024>>(case),
        Rival::InPlace => family::measure::<BytesInPlace>(case),
        Rival::Limit => flow::measure::<Limit>(case, Hands::Processes),
        Rival::Crossbeam => by_value!(Crossbeam, case),
        Rival::Kanal => by_value!(Kanal, case),
        Rival::Std => by_value!(Std, case),
        Rival::IpcChannel => flow::measure::<IpcChannel>(case, Hands::Processes),
        Rival::Iceoryx => flow::measure::<Iceoryx>(case, Hands::Processes),
        Rival::Pipe => flow::measure::<Pipe>(case, Hands::Processes),
        Rival::Packets => flow::measure::<Packets>(case, Hands::Processes),
        Rival::Posix => flow::measure::<Posix>(case, Hands::Processes),
        _ => Err("it is not measured by this executable".into()),
    }
}
