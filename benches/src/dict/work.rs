//! What every rival is brought to, and what its workers do with it; whatever is got is added up, and the sum must be
//! right.

use std::ops::DerefMut;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::case::Case;
use super::record::{KEYS, Record, TURN, Turn, Turns, Words};
use crate::Fallible;
use crate::crew::{Crew, Hands};

/// Does so many iterations, and says how long they took.
pub type Measure = Box<dyn FnMut(u64) -> Fallible<Duration>>;

/// What a worker does with an order: so many operations of all together.
pub type Part = Box<dyn FnMut(u64)>;

/// What one worker has of a collection before it begins.
pub trait Share: Send + Sized + 'static {
    /// Called once, where the worker runs.
    ///
    /// # Errors
    /// When the system refuses what it needs.
    fn part(self, case: Case, me: usize) -> Fallible<Part>;
}

/// Prepares the case with a worker for each of the shares.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure<S: Share>(shares: Vec<S>, case: Case, hands: Hands) -> Fallible<Measure> {
    let of = shares.len();
    let shares: Arc<[_]> = shares.into_iter().map(|share| Mutex::new(Some(share))).collect();
    let mut crew = Crew::with(of, hands, move |me| begin(&shares[me], case, me))?;
    Ok(Box::new(move |rounds| crew.order(order(case, rounds))))
}

fn begin<S: Share>(share: &Mutex<Option<S>>, case: Case, me: usize) -> Part {
    let share = share.lock().unwrap_or_else(PoisonError::into_inner).take();
    share.expect("each has its own").part(case, me).expect("a worker begins")
}

/// What to tell everybody for so many iterations.
pub fn order(case: Case, rounds: u64) -> u64 {
    rounds * case.items() as u64
}

/// A map as it is used by one worker. Every key is there.
pub trait Map<R: Record>: 'static {
    /// The value under this key.
    fn get(&mut self, key: &R::Key) -> R;

    /// Puts another value under this key.
    fn set(&mut self, key: &R::Key, value: R);
}

/// A list as it is used by one worker.
pub trait Sequence: 'static {
    /// One more.
    fn push(&mut self, item: u64);

    /// The one at this index, which is there.
    fn get(&mut self, index: usize) -> u64;

    /// None any more.
    fn clear(&mut self);
}

/// The part of one worker on a map.
pub fn on_map<R: Record>(map: impl Map<R>, case: Case, me: usize) -> Part {
    let turns = Turns::new(me, R::key, |key| R::value(key, 0).seen());
    match case {
        Case::Set | Case::StringSet => set(map, turns),
        Case::Mix => mix(map, turns, case),
        _ => get(map, turns),
    }
}

fn get<R: Record>(mut map: impl Map<R>, mut turns: Turns<R::Key>) -> Part {
    Box::new(move |operations| {
        for _ in 0..operations / TURN as u64 {
            let Turn { items, sums: [even, odd], .. } = turns.turn();
            let sum = items.iter().fold(0_u64, |sum, key| sum.wrapping_add(map.get(key).seen()));
            assert_eq!(sum, even.wrapping_add(odd), "what is there is not what was put there");
        }
    })
}

fn set<R: Record>(mut map: impl Map<R>, mut turns: Turns<R::Key>) -> Part {
    Box::new(move |operations| {
        for left in (0..operations / TURN as u64).rev() {
            let Turn { items, number, .. } = turns.turn();
            for key in items {
                map.set(key, R::value(key, number));
            }
            if left == 0 {
                for key in items.iter().step_by(100) {
                    assert_eq!(map.get(key), R::value(key, number), "what was put is not there");
                }
            }
        }
    })
}

/// Gets one and sets the next, and the next time through the other way round.
fn mix<R: Record>(mut map: impl Map<R>, mut turns: Turns<R::Key>, case: Case) -> Part {
    let share = (TURN * case.parties()) as u64;
    Box::new(move |operations| {
        for _ in 0..operations / share {
            let Turn { items, sums: [first, second], number, even } = turns.turn();
            let mut sum = 0_u64;
            for pair in items.chunks_exact(2) {
                let [one, other] = pair else { unreachable!("chunks of two") };
                let (got, put) = if even { (one, other) } else { (other, one) };
                sum = sum.wrapping_add(map.get(got).seen());
                map.set(put, R::value(put, number));
            }
            let expected = if even { first } else { second };
            assert_eq!(sum, expected, "what is there is not what was put there, or torn");
        }
    })
}

/// The part of one worker on a list.
pub fn on_list(mut list: impl Sequence, case: Case, me: usize) -> Part {
    if case == Case::Append {
        return append(list);
    }
    (0..KEYS as u64).for_each(|index| list.push(Words::key(index)));
    index(list, Turns::new(me, |index| index as usize, |index| Words::key(*index as u64)))
}

fn index(mut list: impl Sequence, mut turns: Turns<usize>) -> Part {
    Box::new(move |operations| {
        for _ in 0..operations / TURN as u64 {
            let Turn { items, sums: [even, odd], .. } = turns.turn();
            let sum = items.iter().fold(0_u64, |sum, index| sum.wrapping_add(list.get(*index)));
            assert_eq!(sum, even.wrapping_add(odd), "what is there is not what was put there");
        }
    })
}

/// Whenever it is full it is emptied.
fn append(mut list: impl Sequence) -> Part {
    let (mut len, mut count) = (0, 0_u64);
    Box::new(move |operations| {
        for _ in 0..operations / TURN as u64 {
            if len == KEYS {
                assert_eq!(list.get(KEYS - 1), count, "what was put is not there");
                list.clear();
                len = 0;
            }
            for _ in 0..TURN {
                count += 1;
                list.push(count);
            }
            len += TURN;
        }
    })
}

/// The part of one worker on its half of an array. All of it has been written once when this returns.
pub fn on_memory(mut memory: impl DerefMut<Target = [u64]> + 'static, me: usize) -> Part {
    let mut first = me as u64;
    fill(&mut memory, first);
    Box::new(move |bytes| {
        for _ in 0..bytes / Case::Fill.items() as u64 {
            first += 1;
            fill(std::hint::black_box(&mut memory), first);
        }
        check(&memory, first);
    })
}

fn check(memory: &[u64], first: u64) {
    for (index, word) in memory.iter().enumerate().step_by(1 << 13) {
        assert_eq!(*word, first + index as u64, "what was written is not there");
    }
}

fn fill(memory: &mut [u64], first: u64) {
    for (word, value) in memory.iter_mut().zip(first..) {
        *word = value;
    }
}
