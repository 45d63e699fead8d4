//! A queue whose memory somebody overwrites: errors, refusals and wrong values are what is to be expected; no panic, no crash, no
//! hang, and no more memory than a queue may have.
//!
//! They run in processes of their own, so that a crash is seen.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use offspring::{Message, Queue, message, process};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

#[message]
#[derive(Debug, Clone, Copy)]
enum Step {
    Put(u8),
    PutMany(u8),
    Reserve(u8),
    Get,
    GetMany(u8),
    GetInPlace,
    Look,
    /// Overwrites a word of the control block.
    Control(Word, Value),
    /// Overwrites a word of a level.
    Level {
        level: u8,
        word: u16,
        value: Value,
    },
    /// Writes what looks like a record, and lets one end of the queue be there.
    Forge {
        head: bool,
        level: u8,
        place: u16,
        kind: u8,
        len: u32,
    },
}

/// Words of the control block, by what they are.
#[message]
#[derive(Debug, Clone, Copy)]
enum Word {
    Bound,
    Closed,
    Large,
    Tail,
    Limit,
    Reserved,
    Head,
    Leaving,
}

#[message]
#[derive(Debug, Clone, Copy)]
enum Value {
    Any(u64),
    Small(u8),
    Flip(u8),
    Add(i8),
}

impl Word {
    /// Where it is in the control block, and how many bytes it has (`channel::control`).
    fn place(self) -> (u64, usize) {
        match self {
            Self::Bound => (0, 4),
            Self::Closed => (4, 4),
            Self::Large => (12, 4),
            Self::Tail => (128 + 40, 8),
            Self::Limit => (128 + 48, 8),
            Self::Reserved => (128 + 56, 8),
            Self::Head => (256 + 40, 8),
            Self::Leaving => (256 + 48, 8),
        }
    }
}

/// A queue, and its object as a file.
struct Target<T: 'static> {
    queue: Queue<T>,
    file: File,
    control: u64,
}

/// To be found in the control block.
const BOUND: usize = 0x0012_3457;

fn objects() -> Vec<PathBuf> {
    let all = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|entry| entry.path());
    let is_ours = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|name| name.to_string_lossy().starts_with("/memfd:offspring"))
    };
    all.filter(is_ours).collect()
}

/// The level's place in the object.
fn level_at(level: u8) -> u64 {
    (64 << 10) << level
}

impl<T: Message> Target<T> {
    fn new() -> Self {
        let queue = Queue::bounded(BOUND).unwrap();
        for path in objects() {
            let file = File::options().read(true).write(true).open(path).unwrap();
            let mut page = [0; 8192];
            let _ = file.read_at(&mut page, 0);
            let bound = u32::try_from(BOUND).unwrap().to_ne_bytes();
            let found = (0..8192).step_by(128).find(|at| page[*at..*at + 4] == bound);
            if let Some(control) = found {
                return Self { queue, file, control: control as u64 };
            }
        }
        panic!("the queue is nowhere");
    }

    fn overwrite(&self, at: u64, len: usize, value: Value) {
        let mut bytes = [0; 8];
        let _ = self.file.read_at(&mut bytes[..len], at);
        let before = u64::from_ne_bytes(bytes);
        let after = match value {
            Value::Any(any) => any,
            Value::Small(small) => small.into(),
            Value::Flip(bit) => before ^ 1 << (bit % 64),
            Value::Add(number) => before.wrapping_add_signed(number.into()),
        };
        self.file.write_all_at(&after.to_ne_bytes()[..len], at).unwrap();
    }

    fn write(&self, at: u64, word: u64) {
        self.file.write_all_at(&word.to_ne_bytes(), at).unwrap();
    }

    /// A record of this kind and length, with the check that belongs there (`channel::record`, `channel::spot`).
    fn forge(&self, head: bool, level: u8, place: u16, kind: u8, len: u32) {
        let offset = u64::from(place) * 8 % level_at(level);
        let count = u64::from(place % 8);
        let spot = offset >> 3 << 33 | u64::from(level) << 28 | count;
        self.write(
            level_at(level) + offset,
            count << 48 | u64::from(kind % 7) << 40 | u64::from(len),
        );
        let (at, _) = if head { Word::Head } else { Word::Tail }.place();
        self.write(self.control + at, spot);
    }
}

trait Sample: Message {
    fn make(seed: u8) -> Self;
    /// Uses the queue in place, if its items can be.
    fn in_place(_: &Queue<Self>, _: u8) {}
    fn read_in_place(_: &Queue<Self>) {}
}

impl Sample for u64 {
    fn make(seed: u8) -> Self {
        seed.into()
    }
    fn in_place(queue: &Queue<Self>, seed: u8) {
        if let Ok(room) = queue.reserve() {
            let _ = room.write(seed.into());
        }
    }
    fn read_in_place(queue: &Queue<Self>) {
        let _ = queue.get_with(|number| *number);
    }
}

impl Sample for Vec<u8> {
    fn make(seed: u8) -> Self {
        vec![seed; usize::from(seed).pow(2)]
    }
    fn in_place(queue: &Queue<Self>, seed: u8) {
        if let Ok(mut room) = queue.reserve_bytes(usize::from(seed) * 100) {
            room.fill(seed);
            let _ = room.commit();
        }
    }
    fn read_in_place(queue: &Queue<Self>) {
        let _ = queue.get_bytes_with(<[u8]>::len);
    }
}

impl Sample for String {
    fn make(seed: u8) -> Self {
        "ä".repeat(seed.into())
    }
}

impl Sample for (u8, Vec<String>) {
    fn make(seed: u8) -> Self {
        (seed, vec![seed.to_string(); usize::from(seed % 50)])
    }
}

const LITTLE: Duration = Duration::from_micros(100);

fn play<T: Sample>(steps: &[Step]) {
    let target = Target::<T>::new();
    let queue = &target.queue;
    for step in steps {
        // What waits without an end may do so when there seems to be no room, or nothing: that is a wrong value, not a hang.
        let (may_wait, has_some) = (queue.is_full(), !queue.is_empty());
        match *step {
            Step::Put(seed) => _ = queue.put_timeout(T::make(seed), LITTLE),
            Step::PutMany(seed) if !may_wait => {
                (0..3).for_each(|number| _ = queue.try_put(T::make(seed ^ number)));
            }
            Step::Reserve(seed) if !may_wait => T::in_place(queue, seed),
            Step::Get => _ = queue.get_timeout(LITTLE),
            Step::GetMany(max) if has_some && queue.is_closed() => _ = queue.get_many(max.into()),
            Step::GetInPlace if has_some && queue.is_closed() => T::read_in_place(queue),
            Step::Look => _ = (queue.try_get(), queue.len(), format!("{queue:?}")),
            Step::Control(word, value) => {
                let (at, len) = word.place();
                target.overwrite(target.control + at, len, value);
            }
            Step::Level { level, word, value } => {
                target.overwrite(level_at(level) + u64::from(word) * 8, 8, value);
            }
            Step::Forge { head, level, place, kind, len } => {
                target.forge(head, level, place, kind, len);
            }
            _ => {}
        }
    }
    queue.close();
    let end = Instant::now() + Duration::from_millis(20);
    while Instant::now() < end && queue.get().is_ok() {}
    let bytes = target.file.metadata().unwrap().blocks() * 512;
    assert!(bytes < 64 << 20, "{bytes} bytes of memory");
}

/// Some queues, one after the other, in a process of their own.
#[process(timeout = "20s")]
fn play_all(queues: Vec<(u8, Vec<Step>)>) {
    for (kind, steps) in queues {
        match kind {
            0 => play::<u64>(&steps),
            1 => play::<Vec<u8>>(&steps),
            2 => play::<String>(&steps),
            _ => play::<(u8, Vec<String>)>(&steps),
        }
    }
}

fn words() -> impl Strategy<Value = Word> {
    use Word::*;
    prop::sample::select(vec![Bound, Closed, Large, Tail, Limit, Reserved, Head, Leaving])
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::Any),
        any::<u8>().prop_map(Value::Small),
        any::<u8>().prop_map(Value::Flip),
        any::<i8>().prop_map(Value::Add),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let level = (0..3_u8, 0..3000_u16, values());
    let forge = (any::<bool>(), 0..14_u8, any::<u16>(), any::<u8>(), 0..600_u32 << 20);
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Put),
        1 => any::<u8>().prop_map(Step::PutMany),
        1 => any::<u8>().prop_map(Step::Reserve),
        3 => Just(Step::Get),
        1 => any::<u8>().prop_map(Step::GetMany),
        1 => Just(Step::GetInPlace),
        1 => Just(Step::Look),
        3 => (words(), values()).prop_map(|(word, value)| Step::Control(word, value)),
        3 => level.prop_map(|(level, word, value)| Step::Level { level, word, value }),
        1 => forge.prop_map(|(head, level, place, kind, len)| Step::Forge { head, level, place, kind, len }),
    ]
}

/// How long to look for cases that go wrong: `OFFSPRING_FUZZ=600` says how many seconds instead.
fn time() -> Duration {
    let given = std::env::var("OFFSPRING_FUZZ").ok();
    Duration::from_secs(given.map_or(8, |text| text.parse().expect("seconds")))
}

#[test]
fn overwritten_memory_is_refused() {
    let end = Instant::now() + time();
    let cases = Cell::new(0);
    let config = Config {
        cases: 20,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let all = prop::collection::vec((0..4_u8, prop::collection::vec(steps(), 1..40)), 1..20);
    while Instant::now() < end {
        let outcome = TestRunner::new(config.clone()).run(&all, |queues| {
            cases.set(cases.get() + queues.len());
            let ended = play_all::spawn(queues).unwrap().join();
            prop_assert!(ended.is_ok(), "{}", ended.unwrap_err());
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
    println!("{} queues", cases.get());
}
