//! Kills a process at every instruction of taking and giving back a lock, and looks at what the others find.
//!
//! Each scene (`scenes.rs`) sets up fresh shared memory, lets a victim (`victim.rs`) run an operation one instruction
//! at a time, and really sends it SIGKILL after the i-th one. Then a survivor has to get every lock, to be told of
//! the death exactly when the victim held it, and to find data that is whole or reported to be in doubt.
//!
//! A process can die only between two instructions, and what it leaves behind is the shared memory, its list of
//! held locks, and what it asked of the kernel. A survey steps through the operation once and notes where any of these
//! changes. By default the victim is killed at each of these points and at a few others (everywhere, when the
//! operation is short, as it is when optimised); `OFFSPRING_FULL=1` kills at every instruction.
//! In the compound scene the process that mends what the first victim left is killed as well.
//!
//! `OFFSPRING_FULL=1 cargo test --release --test kill` gives the figures in RELIABILITY.md. Forks, so that it is a
//! single-threaded program.

#![allow(unsafe_code, reason = "fork, ptrace, and reading the bytes of a lock")]

mod compound;
mod scenes;
mod victim;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use scenes::Scene;
use victim::{Death, Victim};

/// Longer than any machine takes; only a failure ever waits for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// A survivor that took longer than this was not woken, but looked for itself.
const PROMPT: Duration = Duration::from_millis(400);
/// Operations of at most so many instructions are killed at each of them.
const SHORT: usize = 600;

/// What one scene came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) instructions: usize,
    pub(crate) states: usize,
    pub(crate) killed: usize,
    pub(crate) reported: usize,
    pub(crate) late: usize,
    pub(crate) slowest: Duration,
}

impl Figures {
    pub(crate) fn count(&mut self, death: &Death, took: Duration) {
        self.killed += 1;
        self.reported += usize::from(death.held.contains(&true));
        self.late += usize::from(took > PROMPT);
        self.slowest = self.slowest.max(took);
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} instructions, {} states; killed and survived at {} points, {} of them with a lock held; \
             slowest takeover {:?}, {} not prompt",
            self.instructions, self.states, self.killed, self.reported, self.slowest, self.late
        );
    }
}

pub(crate) fn is_full() -> bool {
    std::env::var_os("OFFSPRING_FULL").is_some_and(|value| value == "1")
}

/// Where an operation can be interrupted so that it makes a difference.
pub(crate) struct Survey {
    pub(crate) instructions: usize,
    /// After how many instructions something that outlives the victim has changed.
    pub(crate) changes: BTreeSet<usize>,
}

/// Steps through the operation once.
pub(crate) fn survey<S: Scene>() -> Survey {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    victim.enter();
    let mut changes = BTreeSet::from([0]);
    let mut before = victim.traces(&scene.locks());
    let mut instructions = 0;
    loop {
        victim.note_holding(&scene.locks());
        let asks_kernel = victim.is_at_system_call();
        if !step(&mut scene, &mut victim) {
            break;
        }
        instructions += 1;
        let now = victim.traces(&scene.locks());
        if now != before || asks_kernel {
            changes.insert(instructions);
        }
        before = now;
    }
    let death = victim.kill(&scene.locks());
    scene.aftermath(&death);
    Survey { instructions, changes }
}

fn step<S: Scene>(scene: &mut S, victim: &mut Victim) -> bool {
    match S::UNBLOCK {
        None => victim.step(None),
        Some(unblock) => victim.step(Some(&mut || unblock(scene))),
    }
}

/// After which instructions to kill.
fn points(survey: &Survey) -> Vec<usize> {
    let all = survey.instructions;
    if is_full() || all <= SHORT {
        return (0..=all).collect();
    }
    let spread = (0..6).map(|i| i * all / 6);
    survey.changes.iter().copied().chain(spread).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Lets the victim run `instructions` of the operation, kills it, and lets the survivors judge.
fn kill_at<S: Scene>(instructions: usize, figures: &mut Figures) {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    advance(&mut scene, &mut victim, instructions);
    let death = victim.kill(&scene.locks());
    match catch_unwind(AssertUnwindSafe(|| scene.aftermath(&death))) {
        Ok(took) => figures.count(&death, took),
        Err(panic) => {
            eprintln!("{}: killed after {instructions} instructions: {death:?}", S::NAME);
            resume_unwind(panic);
        }
    }
}

/// Runs so many instructions of the operation, or all if it is shorter this time.
pub(crate) fn advance<S: Scene>(scene: &mut S, victim: &mut Victim, instructions: usize) {
    victim.enter();
    for _ in 0..instructions {
        victim.note_holding(&scene.locks());
        if !step(scene, victim) {
            break;
        }
    }
}

fn run<S: Scene>() {
    let survey = survey::<S>();
    let mut figures = Figures {
        instructions: survey.instructions,
        states: survey.changes.len(),
        ..Figures::default()
    };
    for point in points(&survey) {
        kill_at::<S>(point, &mut figures);
    }
    figures.print(S::NAME);
}

fn main() {
    let scenes: [(&str, fn()); 6] = [
        (scenes::Alone::NAME, run::<scenes::Alone>),
        (scenes::HandOverHand::NAME, run::<scenes::HandOverHand>),
        (scenes::WakingOthers::NAME, run::<scenes::WakingOthers>),
        (scenes::Waiting::NAME, run::<scenes::Waiting>),
        (scenes::Mending::NAME, run::<scenes::Mending>),
        (compound::NAME, || compound::run().print(compound::NAME)),
    ];
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (name, scene) in scenes {
        if filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            scene();
        }
    }
}
