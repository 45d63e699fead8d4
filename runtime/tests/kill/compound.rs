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
    let seconds: Vec<(Until, Progress)> = (0..=first.changes)
        .step_by(if is_full() { 1 } else { 1 + first.changes / 4 })
        .map(|changes| {
            (
                Until::Changes(changes),
                kill_both::<S>(Until::Changes(changes), Until::End, &mut figures),
            )
        })
        .collect();
    seconds.iter().for_each(|(_, second)| figures.survey(*second));
    if is_full() {
        for (first, second) in seconds {
            at_every_instruction(second, |until| kill_both::<S>(first, until, &mut figures));
        }
    } else {
        let longest = |part: fn(&Progress) -> usize| {
            seconds.iter().map(|(_, second)| part(second)).max().expect("one at least")
        };
        let (firsts, seconds) = (first.changes + 1, longest(|second| second.changes) + 1);
        let steps = (first.instructions + longest(|second| second.instructions)) / 2;
        for pair in sample(firsts * seconds, steps) {
            let (first, second) = (Until::Changes(pair % firsts), Until::Changes(pair / firsts));
            kill_both::<S>(first, second, &mut figures);
        }
    }
    figures.print(<S as Succession>::NAME);
}
