//! Two deaths: one in the middle of an operation, and then that of the one who comes next.

use std::time::Duration;

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

/// Kills the first victim where it is told to; also, how far that got.
fn after<S: Succession>(first: Until) -> (S, Death, Progress) {
    let mut scene = S::set();
    let mut victim = scene.start();
    scene.victim_is_ready(&victim);
    let progress = advance(&mut scene, &mut victim, first);
    let held = holding(&scene, &victim);
    (scene, victim.kill(held), progress)
}

fn kill_both<S: Succession>(first: Until, second: Until, figures: &mut Figures) -> Progress {
    let (mut scene, death, _) = after::<S>(first);
    let mut victim = scene.successor(&death);
    let progress = advance(&mut scene, &mut victim, second);
    let held = holding(&scene, &victim);
    let second = victim.kill(held);
    figures.count(&second, progress, scene.after_both(&death, &second));
    progress
}

/// For each state that the first victim can leave: kills the second at every instruction (`OFFSPRING_FULL=1`), or at
/// each change of what outlives it, of which a share is tried.
pub(crate) fn run<S: Succession>() {
    let mut figures = Figures::default();
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
