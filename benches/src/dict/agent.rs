//! From a case and a rival to nanoseconds: one agent for each pair, with its workers ready.

use std::env;
use std::path::Path;
use std::process::Command;

use super::case::{Case, Kind, WORDS};
use super::record::{KEYS, Player, TURN, Words};
use super::rival::Rival;
use super::work::Measure;
use super::{lmdb, ours, redis, threads};
use crate::{Agent, Fallible, agent};

/// First argument of an executable that is to be an agent for collections.
pub const AGENT: &str = "--dict-agent";

/// Whether this machine has it.
pub fn is_there(rival: Rival) -> bool {
    match rival {
        Rival::Redis => redis::is_there(),
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
        own.args([AGENT, rival.key(), case.key()]);
        return Agent::run(own);
    };
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dict/cpython.py"));
    python.args([case.key(), name]);
    python.args([case.parties(), case.items(), KEYS, TURN, WORDS].map(|number| number.to_string()));
    Agent::run(python)
}

/// What an agent for collections does.
///
/// # Errors
/// When the work cannot be done.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Fallible<()> {
    let mut next = || arguments.next().ok_or("an agent for collections needs a rival and a case");
    let rival = Rival::named(&next()?).ok_or("no such rival")?;
    let case = Case::named(&next()?).ok_or("no such case")?;
    agent::answer(prepare(case, rival)?)
}

fn prepare(case: Case, rival: Rival) -> Fallible<Measure> {
    let kind = case.kind();
    match (rival, kind) {
        (Rival::Offspring, _) => ours::measure(case),
        (Rival::RwLock, Kind::Numbers) => threads::rwlock::<Words>(case),
        (Rival::RwLock, Kind::Strings) => threads::rwlock::<Player>(case),
        (Rival::Mutex, Kind::Numbers) => threads::mutex::<Words>(case),
        (Rival::Mutex, Kind::Strings) => threads::mutex::<Player>(case),
        (Rival::Mutex, Kind::List) => threads::list(case),
        (Rival::DashMap, Kind::Numbers) => threads::dashmap::<Words>(case),
        (Rival::DashMap, Kind::Strings) => threads::dashmap::<Player>(case),
        (Rival::Slices, Kind::Array) => threads::slices(case),
        (Rival::Lmdb, Kind::Numbers) => lmdb::measure::<Words>(case),
        (Rival::Lmdb, Kind::Strings) => lmdb::measure::<Player>(case),
        (Rival::Redis, _) if rival.takes(case) => redis::measure(case),
        _ => Err("it is not measured by this executable".into()),
    }
}
