//! The board on which those who have waited long for a lock say so, for the whole family of processes to read.
//!
//! ```text
//! seats   who may write which entry: a lock word each, so that the kernel tells of writers that die
//! entries what each says: who waits, for what, who has it, since when, when it looked last
//! ticks   the board's own clock: each claim of an entry and each look at a lock takes a number of its own
//! ```
//! Only waits that have lasted come here (`sync::deadlock`): the others pay nothing for it.
//!
//! Invariant 1: an entry is written only by the thread that has its seat, and is cleared before the seat is given back.
//! The next one in the seat of a dead writer writes all of it anew.
//! Invariant 2: `version` is odd while an entry is being written; whoever reads sees the same even number before
//! and after, or takes nothing. A writer killed in between leaves it odd, until the seat's next one has written.
//! Nothing that is read is believed: numbers are compared, texts are cut and mended (`String::from_utf8_lossy`).
//!
//! # Safety
//! The board is plain words: it means the same in every process, and has nothing to drop. Slot and type of the static
//! are those of one `StaticInit`, as `#[shared] static` would write it.

#![allow(
    unsafe_code,
    reason = "says that the board may be shared, and enters it in a link-section slice"
)]

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};

use linkme::distributed_slice;

use super::slots::{SLOTS, Seat, Slots};
use crate::memory::layout::Hasher;
use crate::memory::{STATICS, Shareable, SharedStatic, StaticInit, StaticSlot};
use crate::sys::robust::{self, Kind};

/// How many rows of seats there are.
const ROWS: usize = 4;
/// How many can have an entry at a time.
pub(crate) const ENTRIES: usize = ROWS * SLOTS;
/// How often to read an entry that is being written before it is passed over.
const READS: usize = 100;

/// How many words of an entry are numbers, and where in the rest which text begins.
const NUMBERS: usize = 7;
const TEXTS: [usize; 5] = [0, 5, 8, 28, 42];
const WORDS: usize = NUMBERS + TEXTS[4];

/// What all processes of a family share.
#[derive(Debug)]
pub(crate) struct Board {
    /// Set when nobody is to look for deadlocks.
    off: AtomicBool,
    ticks: AtomicU64,
    seats: [Slots; ROWS],
    entries: [Words; ENTRIES],
}

/// An entry as it lies in shared memory.
#[derive(Debug)]
struct Words {
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What somebody who waits says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    /// When the entry was made, by the board's clock; never 0, and never that of another entry.
    pub(crate) claimed: u64,
    /// When it looked last, before it saw who the owner is.
    pub(crate) looked: u64,
    /// The inode of the memory that the lock lies in, or 0, and how far from its beginning.
    pub(crate) place: (u64, u64),
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The thread that holds what it waits for; 0 if there is none.
    pub(crate) owner: u32,
    texts: [u64; TEXTS[4]],
}

/// The texts of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text {
    Process,
    Thread,
    Lock,
    File,
}

/// The right to write one entry.
#[derive(Debug)]
pub(crate) struct Claim {
    row: usize,
    seat: Seat,
}

/// The word that is announced while an announcement of the caller's is set aside: nobody sleeps on it.
static NOBODYS: AtomicU32 = AtomicU32::new(0);

struct Init;

impl StaticInit for Init {
    type Value = Board;
    const NAME: &'static str = "offspring::sync::board::BOARD";
    const VALUE: Board = Board {
        off: AtomicBool::new(false),
        ticks: AtomicU64::new(1),
        seats: [const { Slots::new() }; ROWS],
        entries: [const {
            Words { version: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
        }; ENTRIES],
    };
}

#[distributed_slice(STATICS)]
static SLOT: StaticSlot = StaticSlot::of::<Init>();

static BOARD: SharedStatic<Board> = SharedStatic::new::<Init>(&SLOT);

// SAFETY: plain words (see the module). The links in the seats mean something only to the thread that has the seat.
unsafe impl Shareable for Board {
    const LAYOUT: u64 = Hasher::start("Board").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl Board {
    /// The family's board, if there is memory for it.
    pub(crate) fn of_family() -> Option<&'static Self> {
        BOARD.get()
    }

    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Relaxed)
    }

    pub(crate) fn set_off(&self, off: bool) {
        self.off.store(off, Relaxed);
    }

    /// The next number of the board's clock. What its taker does later is seen by all who take one after it to come after
    /// what they had done before theirs.
    pub(crate) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, SeqCst)
    }

    /// Takes an entry that nobody has, or whose writer died; `None` when there is none.
    pub(crate) fn claim(&self) -> Option<Claim> {
        // Taking a seat announces that to the kernel. What the caller has announced is said again when this is dropped.
        let _aside = robust::announce(&NOBODYS);
        let mut rows = self.seats.iter().enumerate();
        rows.find_map(|(row, seats)| Some(Claim { row, seat: seats.enter(Kind::Member, SLOTS)? }))
    }

    /// Gives an entry back.
    pub(crate) fn leave(&self, claim: &Claim) {
        // Invariant 1.
        self.write(claim, &Entry::empty());
        let _aside = robust::announce(&NOBODYS);
        self.seats[claim.row].leave(claim.seat);
    }

    /// Says it anew.
    pub(crate) fn write(&self, claim: &Claim, entry: &Entry) {
        let Words { version, words } = &self.entries[claim.index()];
        let writing = version.load(Relaxed) | 1;
        version.store(writing, Relaxed);
        // Pairs with the Acquire fence in `read`: whoever sees one of the words below sees the odd number after it.
        fence(Release);
        for (word, new) in words.iter().zip(entry.pack()) {
            word.store(new, Relaxed);
        }
        // Pairs with the Acquire load in `read`.
        version.store(writing.wrapping_add(1), Release);
    }

    /// What this thread says, if it waits, and where. (In the middle of a wait, a signal handler can wait for another lock:
    /// then that is what counts.)
    pub(crate) fn entry_of(&self, tid: u32) -> Option<(usize, Entry)> {
        let rows = self.seats.iter().enumerate();
        let taken = rows.flat_map(|(row, seats)| {
            let taken = seats.used().filter(|(_, seat)| seat.owner() == Some(tid));
            taken.map(move |(at, _)| row * SLOTS + at)
        });
        let entries = taken.filter_map(|index| Some((index, self.read(index)?)));
        let own = entries.filter(|(_, entry)| entry.claimed != 0 && entry.tid == tid);
        own.max_by_key(|(_, entry)| entry.claimed)
    }

    /// Whether this entry is still there, and the one who made it alive.
    pub(crate) fn still_has(&self, index: usize, entry: &Entry) -> bool {
        let seat = self.seats[index / SLOTS].get(index % SLOTS);
        let same = self.read(index).is_some_and(|now| now.claimed == entry.claimed);
        same && seat.owner() == Some(entry.tid)
    }

    fn read(&self, index: usize) -> Option<Entry> {
        let Words { version, words } = &self.entries[index];
        for _ in 0..READS {
            let before = version.load(Acquire);
            let copy = std::array::from_fn(|at| words[at].load(Relaxed));
            fence(Acquire);
            if before % 2 == 0 && version.load(Relaxed) == before {
                return Some(Entry::unpack(&copy));
            }
            std::hint::spin_loop();
        }
        None
    }
}

impl Claim {
    fn index(&self) -> usize {
        self.row * SLOTS + self.seat.index
    }
}

impl Entry {
    pub(crate) const fn empty() -> Self {
        Self {
            pid: 0,
            tid: 0,
            claimed: 0,
            looked: 0,
            place: (0, 0),
            line: 0,
            column: 0,
            owner: 0,
            texts: [0; TEXTS[4]],
        }
    }

    /// Says as much of the text as there is room for: of a path its end, of all else its beginning.
    pub(crate) fn set(&mut self, which: Text, text: &str) {
        let words = &mut self.texts[which.range()];
        let skipped = match which {
            Text::File => text.len().saturating_sub(size_of_val(words)),
            _ => 0,
        };
        let chunks = text.as_bytes()[skipped..].chunks(size_of::<u64>());
        for (word, bytes) in words.iter_mut().zip(chunks.chain(std::iter::repeat(&[][..]))) {
            let mut padded = [0; size_of::<u64>()];
            padded[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(padded);
        }
    }

    pub(crate) fn get(&self, which: Text) -> String {
        let words = self.texts[which.range()].iter();
        let bytes: Vec<u8> = words.flat_map(|word| word.to_ne_bytes()).collect();
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    fn pack(&self) -> impl Iterator<Item = u64> {
        let (inode, offset) = self.place;
        let [who, at] = [(self.pid, self.tid), (self.line, self.column)].map(pair);
        let owner = u64::from(self.owner);
        let numbers: [u64; NUMBERS] = [who, self.claimed, self.looked, owner, inode, offset, at];
        numbers.into_iter().chain(self.texts)
    }

    fn unpack(words: &[u64; WORDS]) -> Self {
        let mut entry = Self::empty();
        (entry.pid, entry.tid) = halves(words[0]);
        (entry.claimed, entry.looked) = (words[1], words[2]);
        entry.owner = words[3] as u32;
        entry.place = (words[4], words[5]);
        (entry.line, entry.column) = halves(words[6]);
        entry.texts.copy_from_slice(&words[NUMBERS..]);
        entry
    }
}

impl Text {
    fn range(self) -> Range<usize> {
        TEXTS[self as usize]..TEXTS[self as usize + 1]
    }
}

fn pair((high, low): (u32, u32)) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let mut entry = Entry { pid: 1, tid: 2, claimed: 3, looked: 4, owner: 5, ..Entry::empty() };
        (entry.place, entry.line, entry.column) = ((6, 7), 8, 9);
        let long = "0123456789".repeat(20);
        for (which, text) in [
            (Text::Process, "prøcess"),
            (Text::Thread, ""),
            (Text::Lock, &*long),
            (Text::File, &*long),
        ] {
            entry.set(which, text);
        }
        let mut words = [0; WORDS];
        words.iter_mut().zip(entry.pack()).for_each(|(word, new)| *word = new);
        let back = Entry::unpack(&words);
        assert!(back.pack().eq(entry.pack()));
        assert_eq!((back.pid, back.tid, back.claimed, back.looked, back.owner), (1, 2, 3, 4, 5));
        assert_eq!((back.place, back.line, back.column), ((6, 7), 8, 9));
        assert_eq!((&*back.get(Text::Process), &*back.get(Text::Thread)), ("prøcess", ""));
        assert_eq!(back.get(Text::Lock), long[..160], "of a name the beginning");
        assert_eq!(back.get(Text::File), long[200 - 112..], "of a path the end");
    }

    /// Whatever bytes stand there, they are shown somehow.
    #[test]
    fn garbage_is_no_danger() {
        let entry = Entry::unpack(&[u64::from_ne_bytes(*b"\xff\xfe ab\xc3\xff\xff"); WORDS]);
        assert!(entry.get(Text::Lock).contains(" ab"));
        assert!(!entry.get(Text::File).is_empty());
    }

    #[test]
    fn a_board_has_so_many_entries_and_lends_them_again() {
        // Not the family's, which other tests use.
        let board = Box::new(Init::VALUE);
        let mut claims = std::iter::from_fn(|| board.claim()).collect::<Vec<_>>();
        assert_eq!(claims.len(), ENTRIES);
        let me = robust::current().tid();
        assert!(board.entry_of(me).is_none(), "nobody has said anything");
        let entry = Entry { tid: me, claimed: board.tick(), ..Entry::empty() };
        board.write(&claims[7], &entry);
        let (index, found) = board.entry_of(me).unwrap();
        assert!(found.claimed == entry.claimed && board.still_has(index, &entry));
        board.leave(&claims.remove(7));
        assert!(board.entry_of(me).is_none() && !board.still_has(index, &entry));
        assert!(board.claim().is_some() && board.claim().is_none());
    }
}
