//! Two deaths: one in the middle of an ordinary use of a lock, and then that of the one who takes over from it.

use crate::scenes::{Alone, Lock, Scene, inherit, mend};
use crate::victim::Victim;
use crate::{Figures, Progress, Until, advance, at_every_instruction, is_full};

pub(crate) const NAME: &str = "two deaths in a row";

/// A lock whose holder is dead or not, and the one who comes next.
struct Succession {
    before: Alone,
    /// The first death has to be reported.
    in_doubt: bool,
}

impl Succession {
    /// The first victim dies at this point; also, how far it got.
    fn after(first: Until) -> (Self, Progress) {
        let mut before = Alone::set();
        let mut victim = before.start();
        let progress = advance(&mut before, &mut victim, first);
        let in_doubt = victim.kill(&before.locks()).held[0];
        (Self { before, in_doubt }, progress)
    }
}

impl Scene for Succession {
    const NAME: &'static str = NAME;

    fn set() -> Self {
        Self::after(Until::End).0
    }
    fn start(&self) -> Victim {
        let lock: &Lock = self.locks()[0];
        Victim::new(|| (), |()| drop(lock.lock().or_else(|error| error.recover(mend)).unwrap()))
    }
    fn locks(&self) -> Vec<&Lock> {
        self.before.locks()
    }
    fn aftermath(self, death: &crate::Death) -> std::time::Duration {
        // In doubt before, and not yet mended and given back; or the second one died with it.
        let finished = death.had[0] && !death.held[0];
        inherit(self.locks()[0], death.held[0] || (self.in_doubt && !finished))
    }
}

fn kill_both(first: Until, second: Until, figures: &mut Figures) -> Progress {
    let (mut scene, _) = Succession::after(first);
    let mut victim = scene.start();
    let progress = advance(&mut scene, &mut victim, second);
    let death = victim.kill(&scene.locks());
    figures.count(&death, progress, scene.aftermath(&death));
    progress
}

/// For each state that the first victim can leave: kills the second at every instruction (`OFFSPRING_FULL=1`), or
/// at every third change of what outlives it, beginning with a different one each time.
pub(crate) fn run() -> Figures {
    let mut figures = Figures::default();
    let (_, first) = Succession::after(Until::End);
    for first in 0..=first.changes {
        let at = Until::Changes(first);
        let second = kill_both(at, Until::End, &mut figures);
        figures.survey(second);
        if is_full() {
            at_every_instruction(second, |until| kill_both(at, until, &mut figures));
        } else {
            for changes in (first % 3..=second.changes).step_by(3) {
                kill_both(at, Until::Changes(changes), &mut figures);
            }
        }
    }
    figures
}
