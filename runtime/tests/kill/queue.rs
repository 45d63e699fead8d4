//! Scenes of `Queue`: survivors on both sides sleep while the victim puts or takes, and go on when it is dead; items come in order,
//! whole, and once; what the victim had put is there, and only what it had in its hands can be missing.

mod close;
mod get;
mod large;
mod put;
mod reserve;
mod wait;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use offspring::{Error, GetTimeoutError, Message, Queue};

use crate::DEADLINE;
use crate::helper::Helper;
use crate::scenes::{Entry, warm};
use crate::victim::{Death, Memory};

/// All of them.
pub(crate) fn scenes() -> impl Iterator<Item = Entry> {
    let all =
        [put::SCENES, get::SCENES, reserve::SCENES, wait::SCENES, close::SCENES, large::SCENES];
    all.into_iter().flatten().copied()
}

/// How many instructions a scene may step through by default: a second or so, for there are many, and long ones.
const PATIENCE: usize = 40_000;
/// Whoever waits at a queue looks for itself after a nap of 60 ms.
const PROMPT: Duration = Duration::from_millis(40);

/// What a helper ends with that was told that the queue is closed.
const CLOSED: u8 = 100;

/// An item that shows its number, and whether it is whole.
trait Numbered: Message {
    fn new(number: u8) -> Self;
    /// Panics if it is torn.
    fn number(&self) -> u8;
}

impl Numbered for u64 {
    fn new(number: u8) -> Self {
        u64::from(number) * 0x0101_0101_0101_0101
    }
    fn number(&self) -> u8 {
        assert_eq!(*self, Self::new(*self as u8), "torn");
        *self as u8
    }
}

/// Words of an item: two records and their headers do not fit into the same line of cache.
const WORDS: usize = 5;

impl Numbered for Vec<u64> {
    fn new(number: u8) -> Self {
        vec![number.into(); WORDS]
    }
    fn number(&self) -> u8 {
        assert!(self.iter().all(|word| *word == self[0]), "torn: {self:?}");
        u8::try_from(self[0]).expect("a small number")
    }
}

/// One that the codec writes.
impl Numbered for (u8, String) {
    fn new(number: u8) -> Self {
        (number, number.to_string())
    }
    fn number(&self) -> u8 {
        assert_eq!(self.1, self.0.to_string(), "torn");
        self.0
    }
}

/// A fresh queue, and where its memory is.
struct Place<T: 'static> {
    queue: Queue<T>,
    inode: u64,
    /// Found out once: it is asked for at each instruction.
    memory: OnceCell<Memory>,
}

/// A piece of this process's memory that is one of a queue.
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) len: usize,
    offset: usize,
    pub(crate) inode: u64,
}

/// The pieces of shared objects.
pub(crate) fn pieces() -> Vec<Piece> {
    let maps = fs::read_to_string("/proc/self/maps").expect("procfs");
    let piece = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = fields[0].split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let (start, end, offset) = (number(start)?, number(end)?, number(fields[2])?);
        Some(Piece { start, len: end - start, offset, inode: fields[4].parse().ok()? })
    };
    maps.lines().filter(|line| line.contains("/memfd:offspring")).filter_map(piece).collect()
}

/// Bytes of the control block.
const CONTROL: usize = 8192;
/// So much of the beginning of each level is watched.
const BEGINNING: usize = 512;
/// Where level 0 begins.
const LEVEL_0: usize = 64 << 10;

impl<T: Numbered> Place<T> {
    /// For at most so many; 0 for one that grows. Its first level is mapped, as it is in those who have used it.
    fn new(bound: usize) -> Self {
        warm();
        let before: BTreeSet<u64> = pieces().into_iter().map(|piece| piece.inode).collect();
        let queue = if bound == 0 { Queue::new() } else { Queue::bounded(bound) }.expect("memory");
        assert!(queue.try_get().is_err());
        let mut all = pieces().into_iter().map(|piece| piece.inode);
        let inode = all.find(|inode| !before.contains(inode)).expect("a new object");
        Self { queue, inode, memory: OnceCell::new() }
    }

    /// With these in it.
    fn with(bound: usize, numbers: impl IntoIterator<Item = u8>) -> Self {
        let place = Self::new(bound);
        numbers.into_iter().for_each(|number| place.put(number));
        place
    }

    fn put(&self, number: u8) {
        self.queue.put(T::new(number)).expect("there is room");
    }

    /// Control block and beginnings of the levels that this process has seen.
    fn memory(&self) -> Memory {
        self.memory_and([])
    }

    /// And these words of level 0.
    fn memory_and<const N: usize>(&self, words: [usize; N]) -> Memory {
        self.memory.get_or_init(|| self.find_memory(words)).clone()
    }

    fn find_memory<const N: usize>(&self, words: [usize; N]) -> Memory {
        let pieces = pieces().into_iter().filter(|piece| piece.inode == self.inode);
        let watched = pieces.flat_map(|piece| {
            let len = if piece.offset == 0 { CONTROL } else { BEGINNING };
            let words = words.into_iter().filter(move |_| piece.offset == LEVEL_0);
            let words = words.map(move |word| (piece.start + word, 8));
            std::iter::once((piece.start, len.min(piece.len))).chain(words)
        });
        Memory::at(watched)
    }

    /// Whether the first record of a fresh queue was ever there.
    fn had_first(&self) -> bool {
        let mut pieces = pieces().into_iter();
        let level = pieces.find(|piece| piece.inode == self.inode && piece.offset == LEVEL_0);
        let start = level.expect("it is mapped").start as *const std::sync::atomic::AtomicU64;
        // SAFETY: mapped as long as the queue, and a word of the queue's that is only read.
        unsafe { (*start).load(std::sync::atomic::Ordering::SeqCst) != 0 }
    }

    /// Somebody who sleeps until it gets an item, and ends with its number.
    fn getter(&self) -> Helper {
        Helper::asleep(|| got(self.queue.get_timeout(DEADLINE)))
    }

    /// Somebody who sleeps until it has put this one.
    fn putter(&self, number: u8) -> Helper {
        Helper::asleep(|| match self.queue.put_timeout(T::new(number), DEADLINE) {
            Ok(()) => 0,
            Err(offspring::PutTimeoutError::Closed(_)) => CLOSED,
            Err(error) => panic!("{error}"),
        })
    }

    /// Takes all that is there: their numbers.
    fn drain(&self) -> Vec<u8> {
        let mut numbers = Vec::new();
        loop {
            match self.queue.try_get() {
                Ok(item) => numbers.push(item.number()),
                Err(offspring::TryGetError::Empty | offspring::TryGetError::Closed) => {
                    assert!(self.queue.is_empty());
                    return numbers;
                }
                Err(error) => panic!("{}", Error::from(error)),
            }
        }
    }

    /// It works on in both directions, also for somebody who sleeps there first.
    fn works_on(&self) {
        let getter = self.getter();
        self.put(77);
        assert_eq!(getter.end(), 77);
        assert!(self.drain().is_empty());
    }
}

fn got<T: Numbered>(item: Result<T, GetTimeoutError>) -> u8 {
    match item {
        Ok(item) => item.number(),
        Err(GetTimeoutError::Closed) => CLOSED,
        Err(error) => panic!("{error}"),
    }
}

/// The last step that the victim told of, which are so many: all, if it was at its end.
fn steps(death: &Death, all: usize) -> usize {
    if death.over { all } else { death.step as usize }
}

/// How many the victim may have done, of what comes in these portions, one a step: all of the steps that it told of,
/// and some, or nothing or all if `whole`, of the one that it was at.
#[track_caller]
fn assert_may_have_done(count: usize, portions: &[usize], whole: bool, death: &Death) {
    let step = steps(death, portions.len());
    let done: usize = portions[..step].iter().sum();
    let next = portions.get(step).copied().unwrap_or(0);
    let fits = if whole {
        count == done || count == done + next
    } else {
        (done..=done + next).contains(&count)
    };
    assert!(fits, "{count} of {portions:?} after step {step}");
}
