//! Two deaths: one in the middle of an operation, and then that of the one who comes next.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::leap;
use crate::scenes::{Scene, holding};
use crate::victim::{Death, Victim};
use crate::{Figures, Progress, Until, advance, at_every_instruction, is_full, sample};

/// A scene whose victim has a successor, who is killed as well.
pub(crate) trait Succession: Scene {
    const NAME: &'static str;

    /// The successor, standing before its operation; the first victim died in the middle of its own.
    fn successor(&self, first: &Death) -> Victim;
    /// Both are dead. As [`Scene::aftermath`].
    fn after_both(self, first: &Death, second: &Death) -> Duration;
}

/// Kills the first victim where it is told to.
fn after<S: Succession>(first: Until) -> (S, Death, Progress) {
    let (scene, death, progress, ()) =
        after_having::<S, _>(|scene, victim| (advance(scene, victim, first), ()));
    (scene, death, progress)
}

/// Kills the first victim after this; also, how far that got, and what else it tells.
fn after_having<S: Succession, T>(
    first: impl FnOnce(&mut S, &mut Victim) -> (Progress, T),
) -> (S, Death, Progress, T) {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    let (progress, more) = first(&mut scene, &mut victim);
    let held = holding(&scene, &victim);
    (scene, victim.kill(held), progress, more)
}

fn kill_both<S: Succession>(first: Until, second: Until, figures: &mut Figures) -> Progress {
    let run = |scene: &mut S, victim: &mut Victim| (advance(scene, victim, second), second);
    kill_both_having(first, run, figures).0
}

fn kill_both_having<S: Succession, T: Debug>(
    first: Until,
    second: impl FnOnce(&mut S, &mut Victim) -> (Progress, T),
    figures: &mut Figures,
) -> (Progress, T) {
    let (mut scene, death, _) = after::<S>(first);
    let mut victim = scene.successor(&death);
    let (progress, more) = second(&mut scene, &mut victim);
    let held = holding(&scene, &victim);
    let second = victim.kill(held);
    let name = <S as Succession>::NAME;
    match catch_unwind(AssertUnwindSafe(|| scene.after_both(&death, &second))) {
        Ok(took) => figures.count(&second, progress, took),
        Err(panic) => {
            eprintln!("{name}: {first:?}, killed: {death:?}, {more:?}, then killed: {second:?}");
            resume_unwind(panic);
        }
    }
    (progress, more)
}

/// For each state that the first victim can leave: kills the second at every instruction (`OFFSPRING_FULL=1`), or at
/// each change of what outlives it, of which a share is tried.
pub(crate) fn run<S: Succession>() {
    let mut figures = Figures::default();
    if S::LEAPS && !is_full() && leap::is_possible() {
        leap_to_both::<S>(&mut figures);
        return figures.print(<S as Succession>::NAME, S::PROMPT);
    }
    let (_, _, first) = after::<S>(Until::End);
    // Which has more to do after some of the deaths than after others.
    let stride = if is_full() { 1 } else { 1 + first.changes / 4 };
    let firsts: Vec<_> = (std::process::id() as usize % stride..=first.changes)
        .step_by(stride)
        .map(Until::Changes)
        .collect();
    let count = firsts.len();
    for first in firsts {
        let second = kill_both::<S>(first, Until::End, &mut figures);
        figures.survey(second);
        if is_full() {
            at_every_instruction(second, |until| kill_both::<S>(first, until, &mut figures));
        } else {
            for changes in sample(second.changes + 1, second.instructions * count, S::PATIENCE) {
                kill_both::<S>(first, Until::Changes(changes), &mut figures);
            }
        }
    }
    figures.print(<S as Succession>::NAME, S::PROMPT);
}

/// So many first deaths, and so many second ones after each.
const LEAPS: [usize; 2] = [2, 30];

fn leap_to_both<S: Succession>(figures: &mut Figures) {
    let (_, _, _, firsts) = after_having::<S, _>(leap::survey);
    for first in leap::share(firsts, LEAPS[0]).map(Until::Leap) {
        let (second, seconds) = kill_both_having::<S, _>(first, leap::survey, figures);
        figures.survey(second);
        for second in leap::share(seconds, LEAPS[1]).map(Until::Leap) {
            kill_both::<S>(first, second, figures);
        }
    }
}
