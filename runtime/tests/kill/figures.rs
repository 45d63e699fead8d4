//! What the kills of a scene came to: a row of the table in RELIABILITY.md.

use std::time::Duration;

use crate::victim::Death;
use crate::{Progress, is_full};

/// A survivor that took longer than this was not woken, but looked for itself: unless a scene knows better.
pub(crate) const PROMPT: Duration = Duration::from_millis(400);
/// What half of the survivors may take at most.
const GOAL: Duration = Duration::from_millis(10);

/// What one scene came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    instructions: usize,
    changes: usize,
    /// Of the kills that could find the victim with something in its hands, those that did; `None` where there is nothing.
    with_lock: Option<usize>,
    /// For each kill in the middle of the operation, how long the slowest survivor took. All survived: one that does not
    /// ends the program.
    took: Vec<Duration>,
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
            if !death.held.is_empty() {
                *self.with_lock.get_or_insert(0) += usize::from(death.held.contains(&true));
            }
            self.took.push(took);
        }
    }

    /// The line above the rows.
    pub(crate) fn print_header() {
        println!(
            "| operation | instructions | kills | with a lock held | survived | p50 | p99 | max | late |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    }

    /// Prints the row, and says no to what cannot be.
    pub(crate) fn print(mut self, name: &str, prompt: Duration) {
        self.took.sort_unstable();
        let kills = self.took.len();
        let at = |share: usize| self.took.get(kills * share / 100).or(self.took.last());
        let show = |time: Option<&Duration>| time.map_or(f64::NAN, Duration::as_secs_f64) * 1e3;
        let late = self.took.iter().filter(|took| **took > prompt).count();
        println!(
            "| {name} | {} | {kills} | {} | {kills} | {:.2} ms | {:.2} ms | {:.2} ms | {late} |",
            self.instructions,
            self.with_lock.map_or("-".into(), |count| count.to_string()),
            show(at(50)),
            show(at(99)),
            show(self.took.last()),
        );
        // Unless only a share was tried.
        let few = kills <= self.changes / 2;
        assert!(kills > 2 && (few || self.with_lock != Some(0)), "too little was killed");
        // A wake-up that gets lost shows in time only, so that this is for a machine with nothing else to do.
        assert!(!is_full() || late * 20 <= kills, "{name}: wake-ups get lost");
        assert!(!is_full() || at(50) <= Some(&GOAL), "{name}: survivors are slow");
    }
}
