//! Scenes of `Text` and `Seq` under a lock: what is left is that of before, that of after, or the first of whole
//! items; and a journal made of one is enough to mend what was being changed.

use std::time::Duration;

use offspring::sync::{LockError, Mutex, MutexGuard};
use offspring::{Seq, Shared, Text};

use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[scene::<Changing>(), scene::<Journal>()];

/// What the dead held, or what was given back.
fn inherit<'a, T>(lock: &'a Mutex<T>, death: &Death) -> (Duration, MutexGuard<'a, T>) {
    let guard = match lock.try_lock() {
        Ok(Some(guard)) | Err(LockError::OwnerDied(guard)) => guard,
        _ => panic!("nobody else has it"),
    };
    (death.age(), guard)
}

/// Halves of an item tell whether it is whole.
type Item = [u64; 2];
type Words = (Seq<Item, 5>, Text<8>);

fn item(number: u64) -> Item {
    [number, 2 * number]
}

/// What stands there before the first step, and after each.
const ROWS: [&[u64]; 7] =
    [&[1, 2, 3], &[1, 2, 3, 4], &[1, 9, 2, 3, 4], &[9, 2, 3, 4], &[9, 4, 3], &[9, 4], &[9]];
/// How many items stay where they are in the step that comes then; the others may be gone in the middle of it.
const UNMOVED: [usize; 7] = [3, 1, 0, 1, 2, 1, 1];
const TEXTS: [&str; 4] = ["a", "aü", "aübe", "aü"];

struct Changing(Shared<Mutex<Words>>);

impl Scene for Changing {
    const NAME: &'static str = "text and seq: push, insert, remove, pop, truncate";

    fn set() -> Self {
        warm();
        let row = Seq::try_from_iter([1, 2, 3].map(item)).expect("room");
        let words = (row, Text::try_from("a").expect("room"));
        Self(Shared::new(Mutex::new(words)).expect("memory"))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        let take = || self.0.lock().expect("a new lock");
        Victim::new(take, |mut words, steps| {
            let (row, text) = &mut *words;
            row.push(item(4)).unwrap();
            steps.done(1);
            row.insert(1, item(9)).unwrap();
            steps.done(2);
            row.remove(0);
            steps.done(3);
            row.swap_remove(1);
            steps.done(4);
            row.pop();
            steps.done(5);
            row.truncate(1);
            steps.done(6);
            text.push('ü').unwrap();
            steps.done(7);
            text.push_str("be").unwrap();
            steps.done(8);
            text.truncate(3);
            steps.done(9);
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        let (took, words) = inherit(&self.0, death);
        let (row, text) = &*words;
        assert!(row.iter().all(|it| *it == item(it[0])), "{row:?}");
        let numbers: Vec<u64> = row.iter().map(|item| item[0]).collect();
        let step = death.step as usize;
        let (before, after) = (ROWS[step.min(6)], ROWS[(step + 1).min(6)]);
        let unmoved = &before[..UNMOVED[step.min(6)]];
        assert!([before, unmoved, after].contains(&&numbers[..]), "{numbers:?} in step {step}");
        let texts = [step.saturating_sub(6), (step + 1).saturating_sub(6)];
        assert!(texts.iter().any(|at| TEXTS[(*at).min(3)] == &**text), "{text:?} in step {step}");
        took
    }
}

/// Two accounts, and what was in them before the change that is under way.
type Ledger = ([i64; 2], Seq<(usize, i64), 2>);

struct Journal(Shared<Mutex<Ledger>>);

impl Scene for Journal {
    const NAME: &'static str = "seq: a transfer with a journal";

    fn set() -> Self {
        warm();
        Self(Shared::new(Mutex::new(([70, 30], Seq::new()))).expect("memory"))
    }
    fn memory(&self) -> Memory {
        Memory::of(&*self.0)
    }
    fn start(&self) -> Victim {
        Victim::new(|| (), |(), _| transfer(&mut self.0.lock().expect("a new lock"), 50))
    }
    fn aftermath(self, death: &Death) -> Duration {
        let (took, mut ledger) = inherit(&self.0, death);
        let (accounts, journal) = &mut *ledger;
        for (account, before) in &*journal {
            accounts[*account] = *before;
        }
        assert!([[70, 30], [20, 80]].contains(accounts), "{accounts:?}");
        assert!(!death.over || *accounts == [20, 80]);
        took
    }
}

/// Nothing in here keeps the order but the journal's own operations.
#[inline(never)]
fn transfer((accounts, journal): &mut Ledger, amount: i64) {
    for (account, before) in accounts.iter().enumerate() {
        journal.push((account, *before)).expect("room");
    }
    accounts[0] -= amount;
    accounts[1] += amount;
    journal.clear();
}
