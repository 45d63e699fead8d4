//! An array whose control block somebody overwrites: errors and wrong values are what is to be expected; no panic, no crash, no hang.
//!
//! They run in processes of their own, so that a crash is seen.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use offspring::{Array, Chunk, Shareable, message, process};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

#[message]
#[derive(Debug, Clone, Copy)]
enum Step {
    Set(u16),
    Update(u16),
    Get(u16),
    Write(u16, u8),
    Read(u16, u8),
    All,
    Lend(u16),
    GiveBack,
    Look,
    Overwrite(Word, Value),
}

/// Words of the control block, by what they are.
#[message]
#[derive(Debug, Clone, Copy)]
enum Word {
    Flags,
    Place,
    Depth,
    Undo,
    Changes,
    Lent,
    Returned,
}

#[message]
#[derive(Debug, Clone, Copy)]
enum Value {
    Any(u64),
    Small(u16),
    Flip(u8),
    Add(i8),
}

impl Word {
    /// Where it is in the object (`collections::array::control`), and how many bytes it has.
    fn place(self) -> (u64, usize) {
        match self {
            Self::Flags => (64 + 4, 4),
            Self::Place => (64 + 8, 8),
            Self::Depth => (64 + 16, 8),
            Self::Undo => (64 + 40, 8),
            Self::Changes => (64 + 48, 8),
            Self::Lent => (64 + 56, 8),
            Self::Returned => (64 + 64, 4),
        }
    }
}

/// Elements, to be found in the header.
const LEN: usize = 1237;

fn file() -> File {
    let all = fs::read_dir("/proc/self/fd").unwrap().flatten().map(|entry| entry.path());
    for path in all {
        let is_ours = fs::read_link(&path)
            .is_ok_and(|name| name.to_string_lossy().starts_with("/memfd:offspring"));
        if is_ours && let Ok(file) = File::options().read(true).write(true).open(&path) {
            let mut count = [0; 8];
            let _ = file.read_at(&mut count, 48);
            if u64::from_ne_bytes(count) == LEN as u64 {
                return file;
            }
        }
    }
    panic!("the array is nowhere");
}

fn overwrite(file: &File, word: Word, value: Value) {
    let (at, len) = word.place();
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes[..len], at).unwrap();
    let before = u64::from_ne_bytes(bytes);
    let after = match value {
        Value::Any(any) => any,
        Value::Small(small) => small.into(),
        Value::Flip(bit) => before ^ 1 << (bit % 64),
        Value::Add(number) => before.wrapping_add_signed(number.into()),
    };
    file.write_all_at(&after.to_ne_bytes()[..len], at).unwrap();
}

fn play<T: Shareable + Copy>(steps: &[Step], make: fn(u16) -> T) {
    let array = Array::from_fn(LEN, |i| make(i as u16)).unwrap();
    let file = file();
    let mut pieces: Vec<Chunk<T>> = Vec::new();
    for step in steps {
        match *step {
            Step::Set(at) => _ = array.set(at.into(), make(at)),
            Step::Update(at) => _ = array.update(at.into(), |element| *element = make(at ^ 1)),
            Step::Get(at) => _ = array.try_get(at.into()),
            Step::Write(at, len) => _ = array.write(at.into(), &vec![make(at); len.into()]),
            Step::Read(at, len) => _ = array.read(at.into(), &mut vec![make(at); len.into()]),
            Step::All => _ = (array.try_to_vec(), array.fill(make(1))),
            Step::Lend(size) => {
                if let Ok(new) = array.try_chunks_mut(size.into()) {
                    pieces.extend(new.step_by(2));
                }
            }
            Step::GiveBack => _ = pieces.pop(),
            Step::Look => _ = (array.is_lent(), array.lent(), array.wait_timeout(Duration::ZERO)),
            Step::Overwrite(word, value) => overwrite(&file, word, value),
        }
    }
    drop(pieces);
    assert_eq!(array.lent(), 0, "whatever the words say, the kernel knows");
    array.fill(make(2)).unwrap();
    assert_eq!(array.to_vec().unwrap().len(), LEN);
}

#[process(timeout = "20s")]
fn play_all(arrays: Vec<(u8, Vec<Step>)>) {
    for (kind, steps) in arrays {
        match kind {
            0 => play(&steps, |seed| seed),
            1 => play(&steps, |seed| [seed; 9]),
            _ => play(&steps, |seed| (seed as u8, u64::from(seed))),
        }
    }
}

fn words() -> impl Strategy<Value = Word> {
    use Word::*;
    prop::sample::select(vec![Flags, Place, Depth, Undo, Changes, Lent, Returned])
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::Any),
        (0..2500_u16).prop_map(Value::Small),
        any::<u8>().prop_map(Value::Flip),
        any::<i8>().prop_map(Value::Add),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let at = || 0..1300_u16;
    prop_oneof![
        1 => at().prop_map(Step::Set),
        1 => at().prop_map(Step::Update),
        1 => at().prop_map(Step::Get),
        1 => (at(), any::<u8>()).prop_map(|(at, len)| Step::Write(at, len)),
        1 => (at(), any::<u8>()).prop_map(|(at, len)| Step::Read(at, len)),
        1 => Just(Step::All),
        1 => at().prop_map(Step::Lend),
        1 => Just(Step::GiveBack),
        1 => Just(Step::Look),
        5 => (words(), values()).prop_map(|(word, value)| Step::Overwrite(word, value)),
    ]
}

/// How long to look for cases that go wrong: `OFFSPRING_FUZZ=600` says how many seconds instead.
fn time() -> Duration {
    let given = std::env::var("OFFSPRING_FUZZ").ok();
    Duration::from_secs(given.map_or(5, |text| text.parse().expect("seconds")))
}

#[test]
fn overwritten_words_are_survived() {
    let end = Instant::now() + time();
    let cases = Cell::new(0);
    let config = Config {
        cases: 20,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let all = prop::collection::vec((0..3_u8, prop::collection::vec(steps(), 1..40)), 1..20);
    while Instant::now() < end {
        let outcome = TestRunner::new(config.clone()).run(&all, |arrays| {
            cases.set(cases.get() + arrays.len());
            let ended = play_all::spawn(arrays).unwrap().join();
            prop_assert!(ended.is_ok(), "{}", ended.unwrap_err());
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
    println!("{} arrays", cases.get());
}
