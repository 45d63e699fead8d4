//! Two deaths: one in the middle of an operation, and then that of the one who comes next.

use std::time::Duration;

use crate::scenes::{Scene, holding};
use crate::victim::{Death, Victim};
use crate::{Figures, Progress, Until, advance, at_every_instruction, is_full};

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

/// For each state that the first victim can leave: kills the second at every instruction (`OFFSPRING_FULL=1`), or
/// at every third change of what outlives it, beginning with a different one each time.
pub(crate) fn run<S: Succession>() {
    let mut figures = Figures::default();
    let (_, _, first) = after::<S>(Until::End);
    for first in 0..=first.changes {
        let at = Until::Changes(first);
        let second = kill_both::<S>(at, Until::End, &mut figures);
        figures.survey(second);
        if is_full() {
            at_every_instruction(second, |until| kill_both::<S>(at, until, &mut figures));
        } else {
            for changes in (first % 3..=second.changes).step_by(3) {
                kill_both::<S>(at, Until::Changes(changes), &mut figures);
            }
        }
    }
    figures.print(<S as Succession>::NAME);
}
