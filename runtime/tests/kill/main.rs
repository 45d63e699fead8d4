//! Kills a process at every instruction of using a lock or one of its relatives, and looks at what the others find.
//!
//! Each scene (`scenes.rs` says how to write one) sets up fresh shared memory, lets a victim (`victim.rs`) run an operation
//! one instruction at a time, and really sends it SIGKILL after the i-th one. Then live survivors (`helper.rs`) have to go
//! on, promptly, and to find what the documentation says.
//!
//! A process can die only between two instructions, and what it leaves behind is the shared memory, its list of
//! held locks, and what it asked of the kernel. By default the victim is killed at each point where one of these
//! has changed (everywhere, when the operation is short, as it is when optimised; at a share of those points, another one
//! each time, when it is very long; `leap.rs` knows a faster way there); `OFFSPRING_FULL=1` kills at every instruction. In a compound scene (`compound.rs`) the
//! one who comes after the victim is killed as well.
//!
//! `OFFSPRING_FULL=1 cargo test --release --test kill` gives the figures in RELIABILITY.md. Forks, so that it is a
//! single-threaded program.

#![allow(unsafe_code, reason = "fork, ptrace, and reading the bytes of a lock")]

mod array;
mod barrier;
mod collections;
mod compound;
mod condvar;
mod event;
mod figures;
mod helper;
mod jobs;
mod leap;
mod mutex;
mod names;
mod once;
mod queue;
mod rlock;
mod rwlock;
mod scenes;
mod select;
mod semaphore;
mod text;
mod victim;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use offspring::Shared;

use figures::Figures;
use helper::Helper;
use leap::Leap;
use scenes::{Entry, Scene, holding, scene};
use victim::Victim;

/// Longer than any machine takes; only a failure ever waits for it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Operations of at most so many instructions are killed at each of them.
const SHORT: usize = 600;

/// How many instructions a scene may step through by default, if it says nothing else: a few seconds.
pub(crate) const PATIENCE: usize = 200_000;

/// All scenes. The first one first: after it, this process has taken locks, and so have its children.
fn scenes() -> impl Iterator<Item = Entry> {
    let types = [
        mutex::SCENES,
        rlock::SCENES,
        rwlock::SCENES,
        once::SCENES,
        semaphore::SCENES,
        condvar::SCENES,
        event::SCENES,
        barrier::SCENES,
        text::SCENES,
        array::SCENES,
        names::SCENES,
        select::SCENES,
        jobs::SCENES,
    ];
    let first = std::iter::once(scene::<mutex::First>());
    first
        .chain(types.into_iter().flatten().copied())
        .chain(queue::scenes())
        .chain(collections::scenes())
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
    /// At a point that a survey has found.
    Leap(Leap),
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
    if let Until::Leap(leap) = until {
        return leap.advance(scene, victim);
    }
    let mut progress = Progress { instructions: 0, changes: 0, over: false };
    let watched = !matches!(until, Until::Instructions(_)) && !S::BY_CALLS;
    let mut before = victim.traces(scene.memory());
    loop {
        victim.note_holding(&holding(scene, victim));
        let reached = match until {
            Until::Instructions(count) => progress.instructions >= count,
            Until::Changes(count) => progress.changes >= count,
            Until::Leap(_) | Until::End => false,
        };
        if reached {
            return progress;
        }
        let asks_kernel = watched && victim.is_at_system_call();
        let goes_on = match S::UNBLOCK {
            _ if S::BY_CALLS => victim.step_to_call(),
            None => victim.step(None),
            Some(unblock) => victim.step(Some(&mut || unblock(scene))),
        };
        if !goes_on {
            return Progress { over: true, ..progress };
        }
        progress.instructions += 1;
        if watched {
            let now = victim.traces(scene.memory());
            progress.changes += usize::from(now != before || asks_kernel);
            before = now;
        }
    }
}

/// Lets the victim run a part of the operation, kills it, and lets the survivors judge.
fn kill_at<S: Scene>(until: Until, figures: &mut Figures) -> Progress {
    kill_after::<S, _>(|scene, victim| (advance(scene, victim, until), until), figures).0
}

/// The same, with whatever lets the victim run, and tells how far it came and one thing more.
fn kill_after<S: Scene, T: Debug>(
    run: impl FnOnce(&mut S, &mut Victim) -> (Progress, T),
    figures: &mut Figures,
) -> (Progress, T) {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    let (progress, more) = run(&mut scene, &mut victim);
    let held = holding(&scene, &victim);
    scene.victim_stands();
    let death = victim.kill(held);
    match catch_unwind(AssertUnwindSafe(|| scene.aftermath(&death))) {
        Ok(took) => figures.count(&death, progress, took),
        Err(panic) => {
            eprintln!("{}: {more:?}, {progress:?}, then killed: {death:?}", S::NAME);
            resume_unwind(panic);
        }
    }
    (progress, more)
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

/// Of so many points, those to be tried when not all are: all the same, or where that would take too long, a share of them,
/// which is another one each time, but never fewer than a few.
pub(crate) fn sample(
    points: usize,
    steps_each: usize,
    patience: usize,
) -> impl Iterator<Item = usize> {
    let stride = (points * steps_each / patience).min(points / 4).max(1);
    (std::process::id() as usize % stride..points).step_by(stride)
}

fn run<S: Scene>() {
    let mut figures = Figures::default();
    if S::LEAPS && leap::is_possible() && !(is_full() && S::ALONG.is_empty()) {
        leap::run::<S>(&mut figures);
        return figures.print(S::NAME, S::PROMPT);
    }
    let whole = kill_at::<S>(Until::End, &mut figures);
    figures.survey(whole);
    if is_full() || whole.instructions <= SHORT {
        at_every_instruction(whole, |until| kill_at::<S>(until, &mut figures));
    } else {
        for changes in sample(whole.changes + 1, whole.instructions / 2, S::PATIENCE) {
            kill_at::<S>(Until::Changes(changes), &mut figures);
        }
        for sixth in 1..6 {
            kill_at::<S>(Until::Instructions(sixth * whole.instructions / 6), &mut figures);
        }
    }
    figures.print(S::NAME, S::PROMPT);
}

/// One processor for victim and tracer, which take turns anyway: twice as fast.
fn stay_on_processor(number: usize) {
    let mut here = nix::sched::CpuSet::new();
    here.set(number).expect("a number that a set can have");
    // Where it is not allowed, it only takes longer.
    let _ = nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &here);
}

/// The processors that this program may run on.
fn processors() -> Vec<usize> {
    let set = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("a set");
    let all = 0..nix::sched::CpuSet::count();
    all.filter(|number| set.is_set(*number).unwrap_or(false)).collect()
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let entries: Vec<Entry> = scenes().filter(|(name, _)| wanted(name)).collect();
    Figures::print_header();
    // A process for each processor, and each takes the next scene that is to be had.
    let next = Shared::new(AtomicUsize::new(0)).expect("memory");
    let play = |processor| {
        nix::unistd::alarm::cancel();
        stay_on_processor(processor);
        while let Some((_, run)) = entries.get(next.fetch_add(1, SeqCst)) {
            run();
        }
        0
    };
    let stages = processors().into_iter().take(2);
    let stages: Vec<_> = stages.map(|at| Helper::new(|| play(at))).collect();
    stages.into_iter().for_each(|stage| assert_eq!(stage.end(), 0));
}
