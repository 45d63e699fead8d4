//! Collections whose memory somebody overwrites: errors, refusals and wrong values are what is to be expected; no panic, no crash, no
//! hang, and no more memory than there was.
//!
//! All of it is overwritten but the words of locks: the header, the heap's journal and lists of free blocks, the roots with their tables and
//! journals, the headers of blocks and what is in them. They run in processes of their own, so that a crash is seen.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use offspring::__private::audit::usage;
use offspring::{Collection, Dict, List, message, pipe, process};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use crate::samples::{Key, Sample};

#[message]
#[derive(Debug, Clone, Copy)]
enum Step {
    /// One of what can be done with a collection.
    Do(u8, u8, u8),
    Overwrite(Place, Value),
    /// Writes what a block in use begins with.
    Block {
        place: u16,
        order: u8,
        len: u32,
        refs: u8,
    },
    /// Has a table be somewhere else, or of another length.
    Table {
        part: u8,
        place: u16,
        log: u8,
    },
    /// Has it seem that somebody has died in the middle of a change that touched these words.
    Dead {
        part: u8,
        first: u16,
        count: u8,
        end: u16,
    },
    /// A word that was somewhere comes to be somewhere else.
    Copy(Place, Place),
}

/// A word of the object, by what it is.
#[message]
#[derive(Debug, Clone, Copy)]
enum Place {
    Header(u8),
    /// Of the heap: what is behind its lock, its journal, the first free blocks and orphans.
    Heap(u8),
    HeapLog(u16),
    Free(u8),
    /// Of the root: what it begins with, what is behind a part's lock, and its journal.
    Head(u8),
    Part(u8, u8),
    PartLog(u8, u8),
    /// Somewhere in the blocks.
    Blocks(u16),
}

#[message]
#[derive(Debug, Clone, Copy)]
enum Value {
    Any(u64),
    Small(u8),
    Flip(u8),
    Add(i8),
}

/// Where the parts are (`heap::arena`, `heap::ledger`, `heap::control`, `dict::root`, `list::root`).
const CONTROL: u64 = 64;
const BLOCKS: u64 = 16 << 10;
/// Bytes of a lock, and words between that and a journal.
const LOCK: u64 = 40;
const BEHIND: u64 = 6;
const HEAP_LOG: u64 = 1200;
const PART_LOG: u64 = 37;
const FREE: u64 = (CONTROL + LOCK + (BEHIND + HEAP_LOG) * 8).next_multiple_of(64);
/// What ends before the lock of those who reap.
const FREE_WORDS: u64 = 35;
/// So much of the blocks is overwritten at random.
const SOME: u64 = 64 << 10;

/// A collection's object as a file, and what its root looks like.
struct Target {
    file: File,
    parts: u64,
}

/// What locks do not have.
fn is_free(at: u64, parts: u64) -> bool {
    let is_in_lock =
        |lock: u64| (lock..lock + LOCK).contains(&at) || (lock..lock + LOCK).contains(&(at + 7));
    let root = (0..parts).map(|part| Target::part(parts, part));
    let reaper = FREE + FREE_WORDS * 8;
    !root.chain([CONTROL, reaper]).any(is_in_lock)
}

impl Target {
    /// The object of the only collection of this process.
    fn new(parts: u64) -> Self {
        let all = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|entry| entry.path());
        for path in all {
            let name = fs::read_link(&path).unwrap_or_default();
            if name.to_string_lossy().starts_with("/memfd:offspring")
                && let Ok(file) = File::options().read(true).write(true).open(&path)
                && file.metadata().unwrap().len() > 8 << 30
            {
                let mut state = [0; 8];
                file.read_exact_at(&mut state, BLOCKS).unwrap();
                if u64::from_ne_bytes(state) >> 16 == 0x5553 {
                    return Self { file, parts };
                }
            }
        }
        panic!("the collection is nowhere");
    }

    fn part(parts: u64, part: u64) -> u64 {
        if parts == 1 { BLOCKS + 64 } else { BLOCKS + 128 + part % parts * 384 }
    }

    fn at(&self, place: Place) -> u64 {
        match place {
            Place::Header(word) => u64::from(word % 8) * 8,
            Place::Heap(word) => CONTROL + LOCK + u64::from(word) % BEHIND * 8,
            Place::HeapLog(word) => CONTROL + LOCK + (BEHIND + u64::from(word) % HEAP_LOG) * 8,
            Place::Free(word) => FREE + u64::from(word) % FREE_WORDS * 8,
            Place::Head(word) => BLOCKS + u64::from(word % 8) * 8,
            Place::Part(part, word) => {
                Self::part(self.parts, part.into()) + LOCK + u64::from(word) % BEHIND * 8
            }
            Place::PartLog(part, word) => {
                let word = BEHIND + u64::from(word) % PART_LOG;
                Self::part(self.parts, part.into()) + LOCK + word * 8
            }
            Place::Blocks(word) => BLOCKS + u64::from(word) * 8 % SOME,
        }
    }

    fn read(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at).unwrap();
        u64::from_ne_bytes(bytes)
    }

    fn write(&self, at: u64, word: u64) {
        // How large all is: that may come to be 8 GiB, which any collection may have.
        let is_extent = at == CONTROL + LOCK + 8 && word > 25;
        if is_free(at, self.parts) && !is_extent {
            self.file.write_all_at(&word.to_ne_bytes(), at).unwrap();
        }
    }

    fn overwrite(&self, place: Place, value: Value) {
        let before = self.read(self.at(place));
        let after = match value {
            Value::Any(any) => any,
            Value::Small(small) => small.into(),
            Value::Flip(bit) => before ^ 1 << (bit % 64),
            Value::Add(number) => before.wrapping_add_signed(number.into()),
        };
        self.write(self.at(place), after);
    }

    fn change(&self, step: Step) {
        match step {
            Step::Do(..) => {}
            Step::Overwrite(place, value) => self.overwrite(place, value),
            Step::Copy(from, to) => self.write(self.at(to), self.read(self.at(from))),
            Step::Block { place, order, len, refs } => {
                let at = BLOCKS + u64::from(place) * 32 % SOME;
                self.write(at, 0x5553 << 16 | u64::from(5 + order % 29));
                self.write(at + 8, u64::from(len) << 16 | u64::from(refs));
            }
            Step::Table { part, place, log } => {
                let at = self.at(Place::Part(part, 1));
                let life = self.read(at) >> 40;
                let place = u64::from(place) % (SOME / 32);
                self.write(at, place | u64::from(log % 64) << 32 | life << 40);
            }
            Step::Dead { part, first, count, end } => {
                let lock = match part {
                    16.. => CONTROL,
                    part => Self::part(self.parts, part.into()),
                };
                let log = if part < 16 { PART_LOG } else { HEAP_LOG };
                let end = u64::from(end) % (log + 2);
                let first = (BLOCKS + u64::from(first) * 8 % SOME) / 8;
                let clear = (first..first + u64::from(count)).all(|it| is_free(it * 8, self.parts));
                if clear {
                    if end > 0 && end <= log {
                        let record = lock + LOCK + (BEHIND + end - 1) * 8;
                        self.write(record, first << 32 | u64::from(count));
                    }
                    self.write(lock + LOCK + 40, end);
                    self.write(lock + LOCK, self.read(lock + LOCK) | 1);
                    self.file.write_all_at(&1_u32.to_ne_bytes(), lock + 4).unwrap();
                }
            }
        }
    }
}

fn on_dict<K: Key, V: Sample>(dict: &Dict<K, V>, what: u8, key: u8, value: u8) {
    let (key, value) = (|| K::make(u64::from(key % 30)), || V::make(value.into()));
    match what % 20 {
        0..4 => _ = dict.insert(key(), value()),
        4..6 => _ = dict.get(&key()),
        6 => _ = dict.try_get(&key()),
        7 | 8 => _ = dict.remove(&key()),
        9 => _ = dict.update(&key(), |it| *it = value()),
        10 => _ = dict.update_or_insert(key(), value(), |_| ()),
        11 => _ = dict.get_or_insert_with(key(), value),
        12 => _ = dict.compare_exchange(&key(), &value(), value()),
        13 => _ = (dict.iter().count(), dict.keys().count(), dict.len()),
        14 => _ = dict.to_map(),
        15 => _ = dict.retain(|it, _| *it != key()),
        16 => _ = dict.extend((0..40).map(|it| (K::make(it), value()))),
        17 => _ = format!("{dict:?}"),
        18 => _ = (usage(dict), sent(dict)),
        _ => _ = dict.clear(),
    }
}

fn on_list<T: Sample>(list: &List<T>, what: u8, index: u8, value: u8) {
    let (index, value) = (usize::from(index % 50), || T::make(value.into()));
    match what % 22 {
        0..3 => _ = list.push(value()),
        3..5 => _ = list.pop(),
        5..7 => _ = list.get(index),
        7 => _ = (list.try_get(index), list.last()),
        8 => _ = list.set(index, value()),
        9 => _ = list.update(index, |it| *it = value()),
        10 => _ = list.insert(index, value()),
        11 => _ = list.remove(index),
        12 => _ = list.compare_exchange(index, &value(), value()),
        13 => _ = list.extend((0..30).map(T::make)),
        14 => _ = (list.iter().count(), list.len()),
        15 => _ = list.to_vec(),
        16 => _ = list.update_all(Vec::pop),
        17 => _ = list.truncate(index),
        18 => _ = format!("{list:?}"),
        19 => _ = list.contains(&value()),
        20 => _ = (usage(list), sent(list)),
        _ => _ = list.clear(),
    }
}

/// Attached once more, by way of a message.
fn sent<C: offspring::Message + Clone>(collection: &C) -> offspring::Result<C> {
    let (here, there) = pipe::<C, C>()?;
    here.send(collection.clone())?;
    Ok(there.recv()?)
}

/// Bytes that a collection of a few entries may come to have, whatever it is told.
const ENOUGH: u64 = 64 << 20;
/// KiB of this process.
const ENOUGH_HERE: u64 = 400 << 10;

fn assert_is_little(target: &Target) {
    let bytes = target.file.metadata().unwrap().blocks() * 512;
    assert!(bytes < ENOUGH, "{bytes} bytes of memory");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert!(most < ENOUGH_HERE, "{most} KiB");
}

fn play<C: Collection>(collection: &C, parts: u64, steps: &[Step], act: impl Fn(&C, u8, u8, u8)) {
    let target = Target::new(parts);
    for step in steps {
        match *step {
            Step::Do(what, one, two) => act(collection, what, one, two),
            step => target.change(step),
        }
        assert_is_little(&target);
    }
    (0..22).for_each(|what| act(collection, what, 1, 2));
    assert_is_little(&target);
}

fn play_on(kind: u8, steps: &[Step]) -> offspring::Result<()> {
    match kind {
        0 => play(&Dict::from_iter(some::<u64, u64>())?, 16, steps, on_dict),
        1 => play(&Dict::from_iter(some::<String, String>())?, 16, steps, on_dict),
        2 => play(&Dict::from_iter(some::<u64, Vec<u32>>())?, 16, steps, on_dict),
        3 => play(&List::from_iter((0..20).map(u64::make))?, 1, steps, on_list),
        4 => play(&List::from_iter((0..20).map(String::make))?, 1, steps, on_list),
        _ => play(&List::from_iter((0..20).map(Vec::<u32>::make))?, 1, steps, on_list),
    }
    Ok(())
}

fn some<K: Key, V: Sample>() -> HashMap<K, V> {
    (0..20).map(|seed| (K::make(seed), V::make(seed))).collect()
}

/// Some collections, one after the other, in a process of their own.
#[process(start = "spawn", timeout = "60s")]
fn play_all(collections: Vec<(u8, Vec<Step>)>) -> offspring::Result<()> {
    collections.iter().try_for_each(|(kind, steps)| play_on(*kind, steps))
}

/// The same, while another thread overwrites at any moment, not only in between.
#[process(start = "spawn", timeout = "60s")]
fn play_meanwhile(kind: u8, doing: Vec<(u8, u8, u8)>, changes: Vec<Step>) -> offspring::Result<()> {
    fn race<C: Collection + Sync>(
        collection: &C,
        parts: u64,
        (doing, changes): (&[(u8, u8, u8)], &[Step]),
        act: impl Fn(&C, u8, u8, u8),
    ) {
        let (target, over) = (Target::new(parts), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    changes.iter().for_each(|step| target.change(*step));
                }
            });
            for _ in 0..20 {
                doing.iter().for_each(|(what, one, two)| act(collection, *what, *one, *two));
            }
            over.store(true, SeqCst);
        });
        assert_is_little(&target);
    }
    let both = (doing.as_slice(), changes.as_slice());
    match kind {
        0 => race(&Dict::from_iter(some::<u64, u64>())?, 16, both, on_dict),
        1 => race(&Dict::from_iter(some::<String, String>())?, 16, both, on_dict),
        2 => race(&List::from_iter((0..20).map(u64::make))?, 1, both, on_list),
        _ => race(&List::from_iter((0..20).map(String::make))?, 1, both, on_list),
    }
    Ok(())
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![
        1 => any::<u8>().prop_map(Place::Header),
        3 => any::<u8>().prop_map(Place::Heap),
        1 => (0..40_u16).prop_map(Place::HeapLog),
        3 => any::<u8>().prop_map(Place::Free),
        2 => any::<u8>().prop_map(Place::Head),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(part, word)| Place::Part(part, word)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(part, word)| Place::PartLog(part, word)),
        8 => any::<u16>().prop_map(Place::Blocks),
        4 => (0..900_u16).prop_map(Place::Blocks),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::Any),
        any::<u8>().prop_map(Value::Small),
        any::<u8>().prop_map(Value::Flip),
        any::<i8>().prop_map(Value::Add),
    ]
}

fn changes() -> impl Strategy<Value = Step> {
    let block = (any::<u16>(), any::<u8>(), any::<u32>(), any::<u8>());
    let dead = (0..20_u8, any::<u16>(), any::<u8>(), any::<u16>());
    prop_oneof![
        6 => (places(), values()).prop_map(|(place, value)| Step::Overwrite(place, value)),
        2 => (places(), places()).prop_map(|(from, to)| Step::Copy(from, to)),
        2 => block.prop_map(|(place, order, len, refs)| Step::Block { place, order, len, refs }),
        2 => (any::<u8>(), any::<u16>(), any::<u8>())
            .prop_map(|(part, place, log)| Step::Table { part, place, log }),
        1 => dead.prop_map(|(part, first, count, end)| Step::Dead { part, first, count, end }),
    ]
}

fn actions() -> impl Strategy<Value = (u8, u8, u8)> {
    (any::<u8>(), any::<u8>(), any::<u8>())
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => actions().prop_map(|(what, one, two)| Step::Do(what, one, two)),
        2 => changes(),
    ]
}

/// How long to look for cases that go wrong: `OFFSPRING_FUZZ=600` says how many seconds instead.
fn time() -> Duration {
    let given = std::env::var("OFFSPRING_FUZZ").ok();
    Duration::from_secs(given.map_or(6, |text| text.parse().expect("seconds")))
}

#[track_caller]
fn search<S: Strategy>(all: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let end = Instant::now() + time();
    let config = Config {
        cases: 10,
        max_shrink_iters: 4,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    while Instant::now() < end {
        let outcome = TestRunner::new(config.clone()).run(all, &test);
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn overwritten_memory_is_refused() {
    let cases = Cell::new(0);
    let all = prop::collection::vec((0..6_u8, prop::collection::vec(steps(), 1..60)), 1..20);
    search(&all, |collections| {
        cases.set(cases.get() + collections.len());
        let ended = play_all::spawn(collections).unwrap().join();
        prop_assert!(matches!(ended, Ok(Ok(()))), "{:?}", ended.map_err(|it| it.to_string()));
        Ok(())
    });
    println!("{} collections", cases.get());
}

#[test]
fn memory_that_is_being_overwritten_is_refused() {
    let cases = Cell::new(0);
    let all =
        (0..4_u8, prop::collection::vec(actions(), 1..40), prop::collection::vec(changes(), 1..20));
    search(&all, |(kind, doing, changes)| {
        cases.set(cases.get() + 1);
        let ended = play_meanwhile::spawn(kind, doing, changes).unwrap().join();
        prop_assert!(matches!(ended, Ok(Ok(()))), "{:?}", ended.map_err(|it| it.to_string()));
        Ok(())
    });
    println!("{} collections", cases.get());
}
