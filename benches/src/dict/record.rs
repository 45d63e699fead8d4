//! Keys, values, and the random order in which they come: the same for all who take part.

use std::fmt::Debug;
use std::hash::Hash;

use offspring::{Message, message};

/// Keys of a map, and numbers in a list.
pub const KEYS: usize = 10_000;
/// So many at a time.
pub const TURN: usize = 1_000;

/// A value of a map, with its key.
///
/// A value has a version, and what is seen of it is the same for each version of one key, but another if a part of it
/// is of another version: so whoever reads while others write can check what he got.
pub trait Record: Message + Clone + PartialEq + Debug + Send + Sync {
    /// What it stands under.
    type Key: Message + Clone + Eq + Hash + Debug + Send + Sync;

    /// The key with this number.
    fn key(number: u64) -> Self::Key;

    /// The value that stands under this key, in this version.
    fn value(key: &Self::Key, version: u64) -> Self;

    /// All of it, added up.
    fn seen(&self) -> u64;
}

/// 64 B.
pub type Words = [u64; 8];

impl Record for Words {
    type Key = u64;

    fn key(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The last word makes up for what the version adds to the others.
    #[inline]
    fn value(key: &u64, version: u64) -> Self {
        let mut words = [key.wrapping_add(version); 8];
        words[7] = key.wrapping_sub(version.wrapping_mul(7));
        words
    }

    #[inline]
    fn seen(&self) -> u64 {
        self.iter().fold(0, |sum, word| sum.wrapping_add(*word))
    }
}

/// What somebody might keep of a player: some 50 B as a message.
#[message]
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    name: String,
    age: u32,
    scores: Vec<u16>,
}

impl Record for Player {
    type Key = String;

    fn key(number: u64) -> String {
        format!("player {:016x}", Words::key(number))
    }

    /// The last score makes up for the age.
    fn value(key: &String, version: u64) -> Self {
        let age = (version % 100) as u16;
        let scores = vec![1, 2, 3, 4, 5, 6, 7, 100 - age];
        Self { name: key.clone(), age: age.into(), scores }
    }

    fn seen(&self) -> u64 {
        let name = self.name.bytes().fold(0, |sum, byte| sum + u64::from(byte));
        let scores = self.scores.iter().fold(0, |sum, score| sum + u64::from(*score));
        name + u64::from(self.age) + scores
    }
}

/// All that a map holds to begin with.
pub fn all<R: Record>() -> impl Iterator<Item = (R::Key, R)> {
    (0..KEYS as u64).map(R::key).map(|key| {
        let value = R::value(&key, 0);
        (key, value)
    })
}

/// Every number below [`KEYS`] once, in an order of this worker's.
pub fn shuffled(me: usize) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..KEYS as u64).collect();
    let mut state = me as u64;
    for last in (1..KEYS).rev() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        numbers.swap(last, (state >> 33) as usize % (last + 1));
    }
    numbers
}

/// What is done next, over and over: all in their order, a thousand at a time.
#[derive(Debug)]
pub struct Turns<T> {
    order: Vec<T>,
    /// What is to be seen in each turn, at its even places and at its odd ones.
    sums: Vec<[u64; 2]>,
    count: usize,
}

/// A thousand.
#[derive(Debug)]
pub struct Turn<'a, T> {
    /// Who they are.
    pub items: &'a [T],
    /// What is to be seen at even places, and at odd ones.
    pub sums: [u64; 2],
    /// Which turn it is.
    pub number: u64,
    /// Whether each has been there an even number of times.
    pub even: bool,
}

impl<T> Turns<T> {
    /// Of this worker: what it does with each number, and what is to be seen then.
    pub fn new(me: usize, of: impl Fn(u64) -> T, seen: impl Fn(&T) -> u64) -> Self {
        let order: Vec<T> = shuffled(me).into_iter().map(of).collect();
        let sum = |turn: &[T], from| {
            let seen = turn.iter().skip(from).step_by(2).map(&seen);
            seen.fold(0, u64::wrapping_add)
        };
        let sums = order.chunks(TURN).map(|turn| [sum(turn, 0), sum(turn, 1)]).collect();
        Self { order, sums, count: 0 }
    }

    /// The next thousand.
    pub fn turn(&mut self) -> Turn<'_, T> {
        let (round, at) = (self.count / self.sums.len(), self.count % self.sums.len());
        self.count += 1;
        Turn {
            items: &self.order[at * TURN..][..TURN],
            sums: self.sums[at],
            number: self.count as u64,
            even: round % 2 == 0,
        }
    }
}
