//! What one worker alone changes, and says before it does so.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use offspring::{Dict, List, Value, shared};

use super::Before;
use crate::random::Random;

/// Keys that a worker has in each dict.
const KEYS: usize = 40;
/// Whoever lengthens a list stops here.
const LONGEST: u64 = 300;

/// What is there before and after the operation that is under way: the same for all that none is under way of.
#[shared]
#[derive(Debug)]
pub(super) struct Claim {
    before: AtomicU64,
    after: AtomicU64,
}

impl Claim {
    const fn new() -> Self {
        Self { before: AtomicU64::new(0), after: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        self.before.load(SeqCst)
    }

    /// Has `change` have it be `new`.
    fn change(
        &self,
        new: u64,
        change: impl FnOnce() -> offspring::Result<()>,
    ) -> offspring::Result<()> {
        self.after.store(new, SeqCst);
        change()?;
        self.before.store(new, SeqCst);
        Ok(())
    }

    /// Whether a change was made in full, or not at all; `None`: none was under way.
    #[track_caller]
    fn settle(&self, found: u64, what: &str) -> Option<bool> {
        let (before, after) = (self.before.load(SeqCst), self.after.load(SeqCst));
        assert!(found == before || found == after, "{what}: {found}, not {before} or {after}");
        self.before.store(found, SeqCst);
        self.after.store(found, SeqCst);
        (before != after).then_some(found == after)
    }
}

/// What each key has, how long the lists are, and what the value is.
#[shared]
#[derive(Debug)]
pub(super) struct Claims {
    numbers: [Claim; KEYS],
    texts: [Claim; KEYS],
    rows: Claim,
    lines: Claim,
    value: Claim,
    sequence: AtomicU64,
}

impl Claims {
    pub(super) const fn new() -> Self {
        Self {
            numbers: [const { Claim::new() }; KEYS],
            texts: [const { Claim::new() }; KEYS],
            rows: Claim::new(),
            lines: Claim::new(),
            value: Claim::new(),
            sequence: AtomicU64::new(1),
        }
    }
}

/// Something whose halves say the same.
type Row = [u64; 6];

fn row(number: u64) -> Row {
    [number, !number, number, !number, number, !number]
}

#[track_caller]
fn number_of(found: &Row) -> u64 {
    assert_eq!(*found, row(found[0]), "torn");
    found[0]
}

fn text(number: u64) -> String {
    let len = if number.is_multiple_of(500) { 40_000 } else { number as usize * 7 % 400 };
    format!("{number}:{}:{number}", "x".repeat(len))
}

#[track_caller]
fn number_in(found: &str) -> u64 {
    let number = found.split(':').next().and_then(|it| it.parse().ok()).expect("torn");
    assert!(found == text(number), "torn: {}", &found[..found.len().min(50)]);
    number
}

#[derive(Debug)]
pub(super) struct Own {
    worker: u64,
    /// 0 is what stands for none.
    numbers: Dict<u64, Row>,
    texts: Dict<String, String>,
    /// The item at a place says which place that is.
    rows: List<Row>,
    lines: List<String>,
    value: Value<Row>,
    before: [Before; 4],
}

impl Own {
    pub(super) fn new(worker: u64) -> offspring::Result<Self> {
        let (numbers, texts, rows, lines) =
            (Dict::new()?, Dict::new()?, List::new()?, List::new()?);
        let before =
            [Before::of(&numbers)?, Before::of(&texts)?, Before::of(&rows)?, Before::of(&lines)?];
        Ok(Self { worker, numbers, texts, rows, lines, value: Value::new(row(0))?, before })
    }

    fn name(&self, key: usize) -> String {
        format!("{} of worker {}", key, self.worker)
    }

    /// Looks at everything: how many changes of the one before had been made, and how many had not.
    pub(super) fn settle(&self, claims: &Claims) -> offspring::Result<(u64, u64)> {
        let mut settled = Vec::new();
        for key in 0..KEYS {
            let found = self.numbers.try_get(&(key as u64))?.map_or(0, |it| number_of(&it));
            settled.push(claims.numbers[key].settle(found, "an entry in place"));
            let found = self.texts.try_get(&self.name(key))?.map_or(0, |it| number_in(&it));
            settled.push(claims.texts[key].settle(found, "an entry in a block"));
        }
        let rows = self.rows.to_vec()?;
        assert!((0..).zip(&rows).all(|(at, it)| number_of(it) == at), "{rows:?}");
        settled.push(claims.rows.settle(rows.len() as u64, "a list in place"));
        let lines = self.lines.to_vec()?;
        assert!((0..).zip(&lines).all(|(at, it)| number_in(it) == at), "{lines:?}");
        settled.push(claims.lines.settle(lines.len() as u64, "a list of blocks"));
        settled.push(claims.value.settle(number_of(&self.value.try_get()?), "a value"));
        let count = |which| settled.iter().filter(|it| **it == Some(which)).count() as u64;
        Ok((count(true), count(false)))
    }

    pub(super) fn operate(&self, claims: &Claims, random: &mut Random) -> offspring::Result<()> {
        let key = random.below(KEYS);
        match random.below(5) {
            0 => self.on_numbers(key, claims, random),
            1 => self.on_texts(key, claims, random),
            2 => on_list(&self.rows, row, &claims.rows, random),
            3 => on_list(&self.lines, text, &claims.lines, random),
            _ => {
                let new = claims.sequence.fetch_add(1, SeqCst);
                claims.value.change(new, || self.value.set(row(new)))
            }
        }
    }

    fn on_numbers(
        &self,
        key: usize,
        claims: &Claims,
        random: &mut Random,
    ) -> offspring::Result<()> {
        let (claim, name) = (&claims.numbers[key], key as u64);
        let new = claims.sequence.fetch_add(1, SeqCst);
        on_key(&self.numbers, claim, name, (new, row), random)
    }

    fn on_texts(&self, key: usize, claims: &Claims, random: &mut Random) -> offspring::Result<()> {
        let (claim, name) = (&claims.texts[key], self.name(key));
        let new = claims.sequence.fetch_add(1, SeqCst);
        on_key(&self.texts, claim, name, (new, text), random)
    }

    /// What anybody may read at any time.
    pub(super) fn look(&self, random: &mut Random) -> offspring::Result<()> {
        let key = random.below(KEYS);
        match random.below(7) {
            0 => _ = self.numbers.get(&(key as u64)).map(|it| number_of(&it)),
            1 => _ = self.texts.get(&self.name(key)).map(|it| number_in(&it)),
            2 => {
                let place = random.below(LONGEST as usize);
                let row = self.rows.get(place).map(|it| number_of(&it));
                assert!(row.is_none_or(|it| it == place as u64));
                let line = self.lines.get(place).map(|it| number_in(&it));
                assert!(line.is_none_or(|it| it == place as u64));
            }
            3 => (0..).zip(&self.lines).for_each(|(at, it)| assert_eq!(number_in(&it), at)),
            4 => self.texts.values().for_each(|it| _ = number_in(&it)),
            5 => self.numbers.to_map()?.values().for_each(|it| _ = number_of(it)),
            _ => _ = number_of(&self.value.get()),
        }
        Ok(())
    }

    pub(super) fn clear(&self) -> offspring::Result<()> {
        self.numbers.clear()?;
        self.texts.clear()?;
        self.rows.clear()?;
        self.lines.clear()?;
        let [numbers, texts, rows, lines] = &self.before;
        numbers.check(&self.numbers)?;
        texts.check(&self.texts)?;
        rows.check(&self.rows)?;
        lines.check(&self.lines)
    }
}

fn on_key<K: offspring::Message + std::hash::Hash + Eq, V: offspring::Message + PartialEq>(
    dict: &Dict<K, V>,
    claim: &Claim,
    key: K,
    (new, make): (u64, fn(u64) -> V),
    random: &mut Random,
) -> offspring::Result<()> {
    let now = claim.now();
    let is = |found: Option<V>| assert!(found == (now > 0).then(|| make(now)));
    match random.below(6) {
        0 => claim.change(0, || dict.remove(&key).map(is)),
        1 if now > 0 => claim.change(new, || {
            let found = dict.update(&key, |it| std::mem::replace(it, make(new)))?;
            is(found);
            Ok(())
        }),
        2 => claim.change(new, || {
            let change = |it: &mut V| std::mem::replace(it, make(new));
            let found = dict.update_or_insert(key, make(0), change)?;
            assert!(found == make(now));
            Ok(())
        }),
        3 if now > 0 => claim.change(new, || {
            let found = dict.compare_exchange(&key, &make(now), make(new))?;
            is(found.and_then(Result::ok));
            Ok(())
        }),
        _ => claim.change(new, || dict.insert(key, make(new)).map(is)),
    }
}

/// The item at each place is that of this place, whatever happens.
fn on_list<T: offspring::Message + PartialEq>(
    list: &List<T>,
    make: fn(u64) -> T,
    claim: &Claim,
    random: &mut Random,
) -> offspring::Result<()> {
    let len = claim.now();
    assert_eq!(list.len() as u64, len);
    match random.below(9) {
        0..3 if len < LONGEST => claim.change(len + 1, || list.push(make(len))),
        0..4 if len > 0 => claim.change(len - 1, || {
            assert!(list.pop()? == Some(make(len - 1)));
            Ok(())
        }),
        4 if len < LONGEST => {
            let more = 1 + random.below(20) as u64;
            claim.change(len + more, || list.extend((len..len + more).map(make)))
        }
        5 => {
            let rest = random.below(len as usize + 1);
            claim.change(rest as u64, || list.truncate(rest))
        }
        6 if len > 0 => claim.change(len - 1, || {
            // The last one goes to the place of another one, and then that one to its own: all in one step.
            list.update_all(|items| {
                assert_eq!(items.len() as u64, len);
                items.pop();
            })
        }),
        7 if len > 0 => {
            // Changes nothing, in several ways.
            let at = random.below(len as usize);
            assert!(list.set(at, make(at as u64))? == Some(make(at as u64)));
            list.update(at, |it| *it = make(at as u64)).map(drop)
        }
        8 if random.below(10) == 0 => claim.change(0, || list.clear()),
        _ => claim.change(len + 1, || list.insert(len as usize, make(len))),
    }
}
