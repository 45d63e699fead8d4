//! Kills a process at every instruction of taking and giving back a lock, and looks at what the others find.
//!
//! Each scene (`scenes.rs`) sets up fresh shared memory, lets a victim (`victim.rs`) run an operation one instruction
//! at a time, and really sends it SIGKILL after the i-th one. Then a survivor has to get every lock, to be told of
//! the death exactly when the victim held it, and to find data that is whole or reported to be in doubt.
//!
//! A process can die only between two instructions, and what it leaves behind is the shared memory, its list of
//! held locks, and what it asked of the kernel. By default the victim is killed at each point where one of these
//! has changed (everywhere, when the operation is short, as it is when optimised); `OFFSPRING_FULL=1` kills at every
//! instruction. In the compound scene the process that mends what the first victim left is killed as well.
//!
//! `OFFSPRING_FULL=1 cargo test --release --test kill` gives the figures in RELIABILITY.md. Forks, so that it is a
//! single-threaded program.

#![allow(unsafe_code, reason = "fork, ptrace, and reading the bytes of a lock")]

mod compound;
mod scenes;
mod victim;

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
    instructions: usize,
    changes: usize,
    /// Kills in the middle of the operation, all survived: one that is not ends the program.
    killed: usize,
    with_lock: usize,
    late: usize,
    slowest: Duration,
}

impl Figures {
    /// What an undisturbed run of the operation looks like.
    pub(crate) fn survey(&mut self, whole: Progress) {
        self.instructions = self.instructions.max(whole.instructions);
        self.changes = self.changes.max(whole.changes);
    }

    /// One kill; one that came after the end of the operation says nothing.
    pub(crate) fn count(&mut self, death: &Death, progress: Progress, took: Duration) {
        if !progress.over {
            self.killed += 1;
            self.with_lock += usize::from(death.held.contains(&true));
            self.late += usize::from(took > PROMPT);
            self.slowest = self.slowest.max(took);
        }
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} instructions, {} changes; killed and survived {} times, {} of them with a lock held; \
             slowest takeover {:?}, {} not prompt",
            self.instructions, self.changes, self.killed, self.with_lock, self.slowest, self.late
        );
        assert!(self.with_lock > 0 && self.killed > self.changes / 2, "too little was killed");
        // A wake-up that gets lost shows in time only, so that this is for a machine with nothing else to do.
        assert!(!is_full() || self.late * 20 <= self.killed, "wake-ups get lost");
    }
}

pub(crate) fn is_full() -> bool {
    std::env::var_os("OFFSPRING_FULL").is_some_and(|value| value == "1")
}

/// Where to stop an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After so many instructions.
    Instructions(usize),
    /// When what outlives the victim has changed so many times.
    Changes(usize),
    /// When it is over.
    End,
}

/// How far an operation got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) instructions: usize,
    /// How often what outlives the victim has changed; counted unless the way is measured in instructions.
    pub(crate) changes: usize,
    pub(crate) over: bool,
}

/// Lets the victim run a part of the operation.
pub(crate) fn advance<S: Scene>(scene: &mut S, victim: &mut Victim, until: Until) -> Progress {
    victim.enter();
    let mut progress = Progress { instructions: 0, changes: 0, over: false };
    let watched = !matches!(until, Until::Instructions(_));
    let mut before = victim.traces(&scene.locks());
    loop {
        victim.note_holding(&scene.locks());
        let reached = match until {
            Until::Instructions(count) => progress.instructions >= count,
            Until::Changes(count) => progress.changes >= count,
            Until::End => false,
        };
        if reached {
            return progress;
        }
        let asks_kernel = watched && victim.is_at_system_call();
        let goes_on = match S::UNBLOCK {
            None => victim.step(None),
            Some(unblock) => victim.step(Some(&mut || unblock(scene))),
        };
        if !goes_on {
            return Progress { over: true, ..progress };
        }
        progress.instructions += 1;
        if watched {
            let now = victim.traces(&scene.locks());
            progress.changes += usize::from(now != before || asks_kernel);
            before = now;
        }
    }
}

/// Lets the victim run a part of the operation, kills it, and lets the survivors judge.
fn kill_at<S: Scene>(until: Until, figures: &mut Figures) -> Progress {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    let progress = advance(&mut scene, &mut victim, until);
    let death = victim.kill(&scene.locks());
    match catch_unwind(AssertUnwindSafe(|| scene.aftermath(&death))) {
        Ok(took) => figures.count(&death, progress, took),
        Err(panic) => {
            eprintln!("{}: {progress:?}, then killed: {death:?}", S::NAME);
            resume_unwind(panic);
        }
    }
    progress
}

/// Kills after 0, 1, 2, … instructions until the operation is over before that, more than once: its length can
/// differ by a few. It can also grow from one run to the next (an allocation in a process forked from an ever older
/// heap), so that there is an end in any case.
pub(crate) fn at_every_instruction(whole: Progress, mut kill_at: impl FnMut(Until) -> Progress) {
    let mut too_late = 0;
    for count in 0..2 * whole.instructions {
        too_late += usize::from(kill_at(Until::Instructions(count)).over);
        if too_late > 5 {
            return;
        }
    }
}

fn run<S: Scene>() {
    let mut figures = Figures::default();
    let whole = kill_at::<S>(Until::End, &mut figures);
    figures.survey(whole);
    if is_full() || whole.instructions <= SHORT {
        at_every_instruction(whole, |until| kill_at::<S>(until, &mut figures));
    } else {
        for changes in 0..=whole.changes {
            kill_at::<S>(Until::Changes(changes), &mut figures);
        }
        for sixth in 1..6 {
            kill_at::<S>(Until::Instructions(sixth * whole.instructions / 6), &mut figures);
        }
    }
    figures.print(S::NAME);
}

/// One processor for victim and tracer, which take turns anyway: twice as fast.
fn stay_on_this_processor() {
    let mut here = nix::sched::CpuSet::new();
    let at = nix::sched::sched_getcpu().expect("a processor");
    here.set(at).expect("a number that a set can have");
    // Where it is not allowed, it only takes longer.
    let _ = nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &here);
}

fn main() {
    stay_on_this_processor();
    // The first scene first: after it, this process has taken locks, and so have its children.
    let scenes: [(&str, fn()); 7] = [
        (scenes::First::NAME, run::<scenes::First>),
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
