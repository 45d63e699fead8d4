//! A fast way to where something changes: one instruction at a time once, to see where that is, and then at full speed from store to
//! store.
//!
//! Stepping takes 20 µs an instruction, and an operation of a build that is not optimised has tens of thousands. The processor can
//! stop a process after a store to one word, though. So one victim is stepped through all of the operation, and each point where what
//! outlives it has changed is remembered as "after the n-th change of that word". Others are let run to such a point.
//! Where an operation is not quite the same each time (an entry in another slot), some of them are missed, and say nothing.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

use crate::figures::Figures;
use crate::scenes::Scene;
use crate::victim::Victim;
use crate::{Progress, SHORT, Until, at_every_instruction, is_full, kill_after, kill_at};

/// How many points of a scene are tried by default; of more than these a share, another one each time.
const POINTS: usize = 24;

/// Whether the processor can stop a process after a store.
pub(crate) fn is_possible() -> bool {
    static POSSIBLE: LazyLock<bool> = LazyLock::new(|| {
        let victim = Victim::new(|| (), |(), _| ());
        let word = AtomicU64::new(0);
        let watched = victim.watch(Some(word.as_ptr().addr()));
        victim.kill(Vec::new());
        watched.is_ok()
    });
    *POSSIBLE
}

/// Where to stop: after so many changes of a word, and so many instructions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leap {
    /// The number of the word among the traces; none from the beginning.
    word: Option<usize>,
    changes: usize,
    instructions: usize,
}

impl Leap {
    /// Lets a victim that stands before the operation run there.
    pub(crate) fn advance<S: Scene>(self, scene: &S, victim: &mut Victim) -> Progress {
        let mut progress = Progress { instructions: self.instructions, changes: 0, over: false };
        if let Some(word) = self.word {
            let place = victim.place_of(word, &scene.memory());
            let mut before = victim.word(place);
            victim.watch(Some(place)).expect("it is possible");
            while progress.changes < self.changes && !progress.over {
                progress.over = !victim.run();
                let now = victim.word(place);
                progress.changes += usize::from(now != before);
                before = now;
            }
            victim.watch(None).expect("it is possible");
        }
        for _ in 0..self.instructions {
            progress.over = progress.over || !victim.step(None);
        }
        progress
    }
}

/// Steps a victim through all of the operation: all points where it makes a difference whether it dies there.
pub(crate) fn survey<S: Scene>(scene: &mut S, victim: &mut Victim) -> (Progress, Vec<Leap>) {
    victim.enter();
    let (mut last, mut changes) = (Leap::default(), HashMap::new());
    let mut points = vec![last];
    let mut progress = Progress { instructions: 0, changes: 0, over: false };
    let mut before = victim.traces(scene.memory());
    loop {
        let asks_kernel = victim.is_at_system_call();
        if !victim.step(None) {
            return (Progress { changes: points.len(), over: true, ..progress }, points);
        }
        progress.instructions += 1;
        last.instructions += 1;
        let now = victim.traces(scene.memory());
        if now != before {
            let words = now.chunks(8).zip(before.chunks(8)).enumerate();
            for (word, _) in words.filter(|(_, (now, before))| now != before) {
                let count = changes.entry(word).or_insert(0);
                *count += 1;
                last = Leap { word: Some(word), changes: *count, instructions: 0 };
            }
            before = now;
            points.push(last);
        } else if asks_kernel {
            points.push(last);
        }
    }
}

/// Of these points, a share that is another one each time.
pub(crate) fn share(points: Vec<Leap>, most: usize) -> impl Iterator<Item = Leap> {
    let stride = points.len().div_ceil(most);
    let first = std::process::id() as usize % stride;
    points.into_iter().skip(first).step_by(stride)
}

/// Kills at the points of a scene.
pub(crate) fn run<S: Scene>(figures: &mut Figures) {
    let points = if S::ALONG.is_empty() {
        let (whole, points) = kill_after::<S, _>(survey, figures);
        figures.survey(whole);
        if whole.instructions <= SHORT {
            return at_every_instruction(whole, |until| kill_at::<S>(until, figures));
        }
        points
    } else {
        S::ALONG.iter().flat_map(|word| along::<S>(*word, figures)).collect()
    };
    let most = if is_full() { usize::MAX } else { POINTS };
    for leap in share(points, most) {
        kill_at::<S>(Until::Leap(leap), figures);
    }
}

/// All changes of one word, which are counted at full speed.
fn along<S: Scene>(word: usize, figures: &mut Figures) -> Vec<Leap> {
    let after = move |changes| Leap { word: Some(word), changes, instructions: 0 };
    let whole = kill_at::<S>(Until::Leap(after(usize::MAX)), figures);
    assert!(whole.over && whole.changes > 1, "{}: the word {word} hardly changes", S::NAME);
    (1..=whole.changes).map(after).collect()
}
