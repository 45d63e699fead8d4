//! What all workers change at once.

use std::ops::RangeInclusive;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use offspring::{Dict, List, Lock, Value};

use super::{Before, Record};
use crate::random::Random;

/// How many accounts there are, in each of the dicts.
const ACCOUNTS: usize = 16;
/// Keys of the dict of entries, and of that of lists.
const KEYS: usize = 200;
const LISTS: u32 = 8;
/// About so many tokens there are at most.
const ENOUGH: usize = 400;

/// A transfer between two accounts that is under way: what they have afterwards, so that it does not matter how often it is done.
type Transfer = Option<[(u32, i64); 2]>;

#[derive(Debug)]
pub(super) struct Common {
    /// Of each the sum is 0: money moves within a value.
    purses: Dict<u32, [i64; 16]>,
    /// The same, encoded, with something of another length each time.
    books: Dict<String, (i64, String, i64)>,
    /// Of all together the sum is 0, for those who have the lock.
    balances: Dict<u32, i64>,
    lock: Lock,
    transfer: Value<Transfer>,
    /// Both halves of each are the same.
    tokens: List<(u64, u64)>,
    notes: List<(u64, String)>,
    /// The value says which key it is for.
    entries: Dict<u64, String>,
    lists: Dict<u32, List<String>>,
    before: [Before; 4],
}

static SEQUENCE: AtomicU64 = AtomicU64::new(1);

impl Common {
    pub(super) fn new() -> offspring::Result<Self> {
        let (tokens, notes) = (List::new()?, List::new()?);
        let (entries, lists) = (Dict::new()?, Dict::new()?);
        let before =
            [Before::of(&tokens)?, Before::of(&notes)?, Before::of(&entries)?, Before::of(&lists)?];
        let all = || 0..ACCOUNTS as u32;
        Ok(Self {
            purses: Dict::from_iter(all().map(|it| (it, [0; 16])))?,
            books: Dict::from_iter(all().map(|it| (it.to_string(), (0, String::new(), 0))))?,
            balances: Dict::from_iter(all().map(|it| (it, 0)))?,
            lock: Lock::new()?,
            transfer: Value::new(None)?,
            tokens,
            notes,
            entries,
            lists,
            before,
        })
    }

    pub(super) fn operate(&self, record: &Record, random: &mut Random) -> offspring::Result<()> {
        match random.below(9) {
            0 | 1 => self.move_within(random),
            2 => self.move_across(random),
            3 => put_or_take(&self.tokens, |it| (it, it), record, random),
            4 => put_or_take(&self.notes, note, record, random),
            5 | 6 => self.on_entries(random),
            _ => self.on_lists(random),
        }
    }

    fn move_within(&self, random: &mut Random) -> offspring::Result<()> {
        let (account, amount) = (random.below(ACCOUNTS) as u32, random.below(1000) as i64);
        let (from, to) = (random.below(16), random.below(16));
        let moved = self.purses.update(&account, |purse| {
            purse[from] -= amount;
            purse[to] += amount;
        })?;
        assert_eq!(moved, Some(()));
        let text = "x".repeat(random.below(600));
        let moved = self.books.update(&account.to_string(), |(one, between, other)| {
            *one += amount;
            *between = text;
            *other -= amount;
        })?;
        assert_eq!(moved, Some(()));
        Ok(())
    }

    /// Two entries in two steps: a user's own journal, and a lock.
    fn move_across(&self, random: &mut Random) -> offspring::Result<()> {
        let held = self.lock.lock()?;
        self.finish_transfer()?;
        self.assert_balanced()?;
        let (from, to) = (random.below(ACCOUNTS) as u32, random.below(ACCOUNTS) as u32);
        if from != to {
            let amount = random.below(1000) as i64;
            let has = |account| self.balances.get(&account).expect("it is there");
            self.transfer.set(Some([(from, has(from) - amount), (to, has(to) + amount)]))?;
            self.finish_transfer()?;
        }
        drop(held);
        Ok(())
    }

    /// Does what one who has died had begun, or oneself.
    fn finish_transfer(&self) -> offspring::Result<()> {
        if let Some(accounts) = self.transfer.try_get()? {
            self.balances.extend(accounts)?;
            self.transfer.set(None)?;
        }
        Ok(())
    }

    fn assert_balanced(&self) -> offspring::Result<()> {
        let balances = self.balances.to_map()?;
        assert_eq!((balances.len(), balances.values().sum::<i64>()), (ACCOUNTS, 0), "{balances:?}");
        Ok(())
    }

    fn on_entries(&self, random: &mut Random) -> offspring::Result<()> {
        let key = random.below(KEYS) as u64;
        let len = random.below(600);
        match random.below(20) {
            0..6 => {
                _ = self.entries.insert(key, entry(key, len))?.inspect(|it| assert_entry(key, it));
            }
            6..12 => _ = self.entries.remove(&key)?.inspect(|it| assert_entry(key, it)),
            12..15 => {
                self.entries.update_or_insert(key, entry(key, 0), |it| {
                    assert_entry(key, it);
                    it.push('x');
                })?;
            }
            15..17 => assert_entry(key, &self.entries.get_or_insert_with(key, || entry(key, 3))?),
            17 => self.entries.extend((key..key + 30).map(|key| (key, entry(key, 9))))?,
            18 => self.entries.retain(|it, text| {
                assert_entry(*it, text);
                it % 7 != key % 7
            })?,
            _ if key < 20 => self.entries.clear()?,
            _ => {}
        }
        Ok(())
    }

    fn on_lists(&self, random: &mut Random) -> offspring::Result<()> {
        let key = random.below(LISTS as usize) as u32;
        match random.below(10) {
            0 => _ = self.lists.insert(key, List::from(["a".to_owned(), "b".to_owned()])?)?,
            1 => _ = self.lists.insert(key, List::new_in(&self.lists)?)?,
            2 => {
                // Out with it, and in again at another place, where it may be twice then.
                if let Some(list) = self.lists.remove(&key)? {
                    self.lists.insert((key + 1) % LISTS, list)?;
                }
            }
            3 => _ = self.lists.remove(&key)?,
            4 if random.below(20) == 0 => self.lists.clear()?,
            _ => {
                let Some(list) = self.lists.get(&key) else { return Ok(()) };
                if list.len() < 20 {
                    list.push("x".repeat(random.below(300)))?;
                } else {
                    list.truncate(random.below(20))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn look(&self, random: &mut Random) -> offspring::Result<()> {
        let account = random.below(ACCOUNTS) as u32;
        match random.below(7) {
            0 => {
                let purse = self.purses.get(&account).expect("it is there");
                assert_eq!(purse.iter().sum::<i64>(), 0, "{purse:?}");
            }
            1 => {
                let (one, _, other) = self.books.get(&account.to_string()).expect("it is there");
                assert_eq!(one + other, 0);
            }
            2 => self.tokens.iter().for_each(|(one, other)| assert_eq!(one, other)),
            3 => self.notes.iter().for_each(|it| assert_note(&it)),
            4 => self.entries.iter().for_each(|(key, text)| assert_entry(key, &text)),
            5 => {
                let key = random.below(KEYS) as u64;
                let _ = self.entries.get(&key).inspect(|text| assert_entry(key, text));
            }
            _ => {
                let lists = self.lists.values().flat_map(|list| list.to_vec());
                assert!(lists.flatten().all(|it| it.len() < 2 || it.bytes().all(|it| it == b'x')));
            }
        }
        Ok(())
    }

    /// Nobody is at it any more.
    pub(super) fn check(&self, tokens: RangeInclusive<u64>) -> offspring::Result<()> {
        self.finish_transfer()?;
        self.assert_balanced()?;
        let purses = self.purses.to_map()?;
        assert!(purses.len() == ACCOUNTS && purses.values().flatten().sum::<i64>() == 0);
        assert!(self.books.values().all(|(one, _, other)| one + other == 0));
        let left = (self.tokens.len() + self.notes.len()) as u64;
        assert!(tokens.contains(&left), "{left} tokens are left, and not {tokens:?}");
        Ok(())
    }

    pub(super) fn clear(&self) -> offspring::Result<()> {
        self.tokens.clear()?;
        self.notes.clear()?;
        self.entries.clear()?;
        self.lists.clear()?;
        let [tokens, notes, entries, lists] = &self.before;
        tokens.check(&self.tokens)?;
        notes.check(&self.notes)?;
        entries.check(&self.entries)?;
        lists.check(&self.lists)
    }
}

fn note(number: u64) -> (u64, String) {
    (number, format!("{}{number}", "x".repeat(number as usize % 300)))
}

#[track_caller]
fn assert_note(found: &(u64, String)) {
    assert!(*found == note(found.0), "torn");
}

fn entry(key: u64, len: usize) -> String {
    format!("{key}:{}", "x".repeat(len))
}

#[track_caller]
fn assert_entry(key: u64, text: &str) {
    let rest = text.strip_prefix(&format!("{key}:"));
    assert!(rest.is_some_and(|it| it.bytes().all(|it| it == b'x')), "{key} has {text}");
}

/// Puts something into a list, or takes something out; which is counted, for it is at most one more or fewer that a kill can make of it.
fn put_or_take<T: offspring::Message + PartialEq>(
    list: &List<T>,
    make: fn(u64) -> T,
    record: &Record,
    random: &mut Random,
) -> offspring::Result<()> {
    let len = list.len();
    if random.below(ENOUGH) > len {
        let new = make(SEQUENCE.fetch_add(1, SeqCst) << 8 | u64::from(std::process::id() as u8));
        record.putting.store(1, SeqCst);
        match random.below(4) {
            0 => list.insert(random.below(len + 1), new)?,
            1 => list.extend([new])?,
            _ => list.push(new)?,
        }
        record.put.fetch_add(1, SeqCst);
        record.putting.store(0, SeqCst);
    } else {
        record.taking.store(1, SeqCst);
        let taken = match random.below(4) {
            0 => list.remove(random.below(len + 1))?,
            _ => list.pop()?,
        };
        record.taken.fetch_add(taken.is_some().into(), SeqCst);
        record.taking.store(0, SeqCst);
    }
    if random.below(50) == 0 {
        list.update_all(|items| items.reverse())?;
    }
    Ok(())
}
