//! Many at once, threads and processes: nothing is torn, nothing is lost, and iterating gives what it says.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use offspring::__private::audit::usage;
use offspring::{Dict, Event, List, Message, Value, process};

use crate::samples::Pair;

/// A value whose parts belong together.
trait Whole: Message + PartialEq {
    fn of(number: u32) -> Self;
    fn is_whole(&self) -> bool;
}

impl Whole for Pair {
    fn of(number: u32) -> Self {
        Self { left: number, right: !number }
    }
    fn is_whole(&self) -> bool {
        self.left == !self.right
    }
}

impl Whole for u128 {
    fn of(number: u32) -> Self {
        Self::from(number) << 64 | Self::from(number)
    }
    fn is_whole(&self) -> bool {
        (*self >> 64) as u64 == *self as u64
    }
}

impl Whole for [u64; 8] {
    fn of(number: u32) -> Self {
        [number.into(); 8]
    }
    fn is_whole(&self) -> bool {
        self.iter().all(|it| *it == self[0])
    }
}

impl Whole for [u64; 31] {
    fn of(number: u32) -> Self {
        [number.into(); 31]
    }
    fn is_whole(&self) -> bool {
        self.iter().all(|it| *it == self[0])
    }
}

impl Whole for String {
    fn of(number: u32) -> Self {
        number.to_string().repeat(1 + number as usize % 50)
    }
    fn is_whole(&self) -> bool {
        let Some(len) = (1..=self.len()).find(|len| self[..*len].repeat(self.len() / len) == *self)
        else {
            return false;
        };
        // Several lengths may do, as for "11".
        (len..=self.len())
            .any(|len| self[..len].parse::<u32>().is_ok_and(|number| *self == Self::of(number)))
    }
}

impl Whole for Vec<u8> {
    fn of(number: u32) -> Self {
        vec![number as u8; 20_000 + number as usize % 100]
    }
    fn is_whole(&self) -> bool {
        self.len() >= 20_000 && self.iter().all(|it| *it == self[0])
    }
}

/// What others read while one writes is always one of the values that were written.
fn assert_never_torn<T: Whole>(rounds: u32) -> offspring::Result<()> {
    let (dict, list) = (Dict::from([(1_u64, T::of(0))])?, List::from([T::of(0)])?);
    let value = Value::new(T::of(0))?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    assert!(dict.get(&1).expect("it is there").is_whole());
                    assert!(list.get(0).expect("it is there").is_whole());
                    assert!(value.get().is_whole());
                    assert!(
                        dict.values().all(|it| it.is_whole())
                            && list.iter().all(|it| it.is_whole())
                    );
                }
            });
        }
        let write = |round| {
            dict.insert(1, T::of(round))?;
            list.set(0, T::of(round))?;
            value.update(|it| *it = T::of(round))
        };
        let written = (0..rounds).try_for_each(write);
        over.store(true, SeqCst);
        written
    })?;
    usage(&dict).and(usage(&list)).and(usage(&value)).map(drop)
}

#[test]
fn readers_never_see_half_of_a_value() -> offspring::Result<()> {
    assert_never_torn::<Pair>(10_000)?;
    assert_never_torn::<u128>(3000)?;
    assert_never_torn::<[u64; 8]>(3000)?;
    assert_never_torn::<[u64; 31]>(3000)?;
    assert_never_torn::<String>(1500)?;
    assert_never_torn::<Vec<u8>>(300)
}

/// Entries come and go, tables grow and are freed, and whoever reads finds what is there all the time.
#[test]
fn what_stays_is_always_found() -> offspring::Result<()> {
    fn assert_found<V: Whole>() -> offspring::Result<()> {
        let dict = Dict::from_iter((0..50_u32).map(|key| (key, V::of(key))))?;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    for key in 0..50 {
                        assert!(dict.get(&key).is_some_and(|value| value == V::of(key)), "{key}");
                    }
                    let keys: Vec<u32> = dict.keys().collect();
                    assert_eq!(keys.len(), keys.iter().collect::<HashSet<_>>().len(), "once each");
                    assert_eq!(keys.iter().filter(|key| **key < 50).count(), 50, "all of them");
                    let map = dict.to_map().unwrap();
                    assert!((0..50).all(|key| map.contains_key(&key)));
                }
            });
            let churn = (0..3).try_for_each(|_| {
                (100..1500).try_for_each(|key| dict.insert(key, V::of(key)).map(drop))?;
                (100..1500).try_for_each(|key| dict.remove(&key).map(drop))
            });
            over.store(true, SeqCst);
            churn
        })?;
        assert_eq!(dict.len(), 50);
        usage(&dict).map(drop)
    }
    assert_found::<[u64; 8]>()?;
    assert_found::<String>()
}

/// A snapshot is of one moment: pairs that are moved together in one step are never seen apart.
#[test]
fn snapshots_are_of_one_moment() -> offspring::Result<()> {
    let list = List::from_iter((0..100).map(|number: u32| number.to_string()))?;
    let dict = Dict::from_iter((0..100_u32).map(|key| (key, 0_u32)))?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(SeqCst) {
                let items = list.to_vec().unwrap();
                let first: usize = items[0].parse().unwrap();
                let expected = (0..100).map(|at| ((first + at) % 100).to_string());
                assert!(items.iter().cloned().eq(expected), "{items:?}");
                // One is written after the other, in this order: no later one is ahead.
                let map = dict.to_map().unwrap();
                assert!(
                    (1..100).all(|key| map[&(key - 1)] >= map[&key] && map[&0] <= map[&key] + 1)
                );
            }
        });
        let turned = (1..300).try_for_each(|round| {
            list.update_all(|items| items.rotate_left(1))?;
            (0..100).try_for_each(|key| dict.insert(key, round).map(drop))
        });
        over.store(true, SeqCst);
        turned
    })
}

/// An iterator holds nothing up, and sees the list as it is when an item's turn comes.
#[test]
fn iterating_while_it_changes() -> offspring::Result<()> {
    let list = List::from([1, 2, 3])?;
    let mut items = list.iter();
    assert_eq!(items.next(), Some(1));
    list.set(1, 20)?;
    list.push(4)?;
    assert_eq!(items.next(), Some(20));
    list.truncate(3)?;
    assert_eq!((items.next(), items.next()), (Some(3), None));
    list.extend([5, 6])?;
    assert_eq!(items.next(), Some(5), "it goes on where the list goes on");
    list.clear()?;
    assert_eq!(items.next(), None);

    let dict = Dict::from_iter((0..1000_u32).map(|key| (key, key)))?;
    let mut seen = HashSet::new();
    for (key, value) in &dict {
        assert!(seen.insert(key), "{key} comes once");
        assert!(key >= 1_000_000 || value == key);
        dict.update(&key, |value| *value += 1)?;
        dict.remove(&(key + 1))?;
        dict.insert(key + 1_000_000, 0)?;
        if key >= 1_000_000 {
            dict.remove(&key)?;
            seen.remove(&key);
        }
        if seen.len() > 2000 {
            break;
        }
    }
    dict.clear()?;
    assert_eq!(dict.iter().next(), None);
    Ok(())
}

#[process]
fn add(
    counts: &Dict<String, u64>,
    sums: &Dict<u32, [u64; 4]>,
    log: &List<String>,
    numbers: &List<u64>,
    total: &Value<f64>,
    (who, rounds): (u64, u64),
    start: &Event,
) -> offspring::Result<()> {
    start.wait();
    for round in 0..rounds {
        counts.update_or_insert(format!("{}", round % 7), 0, |count| *count += 1)?;
        sums.update_or_insert((round % 5) as u32, [0; 4], |sums| {
            sums[who as usize % 4] += 1;
            sums[(who as usize + 1) % 4] += 2;
        })?;
        log.push(format!("{who} {round}"))?;
        numbers.push(who << 32 | round)?;
        total.update(|total| *total += 0.5)?;
    }
    Ok(())
}

under_each_method! {
    /// Nothing that several do at once is lost or done twice, and each one's own come in order.
    fn all_of_what_many_do_at_once_is_there() {
        const ROUNDS: u64 = 500;
        const MANY: u64 = 4;
        let (counts, sums) = (Dict::new().unwrap(), Dict::new().unwrap());
        let (log, numbers) = (List::new().unwrap(), List::new().unwrap());
        let (total, start) = (Value::new(0.0).unwrap(), Event::new().unwrap());
        let begin = |who| add::spawn(&counts, &sums, &log, &numbers, &total, (who, ROUNDS), &start);
        let children: Vec<_> = (0..MANY).map(|who| begin(who).unwrap()).collect();
        start.set();
        children.into_iter().for_each(|child| child.join().unwrap().unwrap());
        assert_eq!(counts.values().sum::<u64>(), MANY * ROUNDS);
        assert_eq!(sums.values().flatten().sum::<u64>(), 3 * MANY * ROUNDS);
        assert_eq!(total.get(), (MANY * ROUNDS) as f64 / 2.0);
        let (log, numbers) = (log.to_vec().unwrap(), numbers.to_vec().unwrap());
        for who in 0..MANY {
            let own = log.iter().filter(|line| line.starts_with(&format!("{who} ")));
            assert!(own.cloned().eq((0..ROUNDS).map(|round| format!("{who} {round}"))));
            let own = numbers.iter().filter(|number| **number >> 32 == who);
            assert!(own.map(|number| number & 0xffff_ffff).eq(0..ROUNDS));
        }
        usage(&counts).unwrap();
        usage(&sums).unwrap();
    }
}
