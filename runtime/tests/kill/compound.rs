//! Two deaths: one in the middle of an ordinary use of a lock, and then that of the one who takes over from it.

use std::time::Duration;

use crate::scenes::{Alone, Lock, Scene, inherit, mend};
use crate::victim::{Death, Victim};
use crate::{Figures, advance, is_full, survey};

pub(crate) const NAME: &str = "two deaths in a row";

/// The one who comes after a death, whether or not there is something to mend.
struct Successor<'a>(&'a Lock);

impl Successor<'_> {
    fn start(&self) -> Victim {
        Victim::new(|| (), |()| drop(self.0.lock().or_else(|error| error.recover(mend)).unwrap()))
    }
}

/// A lock whose holder was killed at `first`, and whether that has to be reported.
fn after_first_death(first: usize) -> (Alone, bool) {
    let mut scene = Alone::set();
    let mut victim = scene.start();
    advance(&mut scene, &mut victim, first);
    let death = victim.kill(&scene.locks());
    let reported = death.held[0];
    (scene, reported)
}

/// The second victim is killed after `second` instructions, if it has not ended by then; how long it ran.
fn second_death(scene: &Alone, second: usize) -> (Death, usize) {
    let locks = scene.locks();
    let mut victim = Successor(locks[0]).start();
    victim.enter();
    let mut ran = 0;
    while ran < second {
        victim.note_holding(&locks);
        if !victim.step(None) {
            break;
        }
        ran += 1;
    }
    (victim.kill(&locks), ran)
}

/// For each state that the first victim can leave: kills the second at every instruction (`OFFSPRING_FULL=1`), or
/// at six of them.
pub(crate) fn run() -> Figures {
    let first = survey::<Alone>();
    let mut figures = Figures { states: first.changes.len(), ..Figures::default() };
    for first in first.changes {
        let (scene, _) = after_first_death(first);
        let (_, all) = second_death(&scene, usize::MAX);
        figures.instructions = figures.instructions.max(all);
        let stride = if is_full() { 1 } else { (all / 6).max(1) };
        for second in (0..=all).step_by(stride) {
            let (scene, in_doubt) = after_first_death(first);
            let (death, _) = second_death(&scene, second);
            // In doubt before, and not yet mended and given back; or the second one died with it.
            let finished = death.had[0] && !death.held[0];
            let reported = death.held[0] || (in_doubt && !finished);
            let took: Duration = inherit(scene.locks()[0], reported);
            figures.count(&death, took);
        }
    }
    figures
}
