//! Scenes of the shared collections: killed anywhere, a process has done what it was doing or it has not; the next one goes on at
//! once, and no block of the memory is lost.
//!
//! While the victim stands where it is going to die, at every other place a reader looks. It finds a whole state or
//! sleeps until the victim is dead; either way, what it saw is what everybody finds afterwards.

mod dict;
mod heap;
mod list;
mod nested;
mod value;
mod wait;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use offspring::__private::audit;
use offspring::{Collection, Message};

use crate::compound::Succession;
use crate::helper::Helper;
use crate::queue::pieces;
use crate::scenes::{Entry, Scene, warm};
use crate::victim::{Death, HEAD_BYTES, Memory, Steps, Victim};

/// All of them.
pub(crate) fn scenes() -> impl Iterator<Item = Entry> {
    let all =
        [dict::SCENES, list::SCENES, value::SCENES, wait::SCENES, nested::SCENES, heap::SCENES];
    all.into_iter().flatten().copied()
}

/// How many instructions a scene may step through by default: a second or so, for there are many.
const PATIENCE: usize = 60_000;

/// From this number on a text is long.
const LONG: u8 = 60;

/// A key, value or item that shows its number, and whether it is whole.
trait Number: Message + Clone + PartialEq {
    /// It is kept in a block of its own.
    const IN_BLOCKS: bool;
    fn of(number: u8) -> Self;
    /// Panics if it is torn.
    fn number(&self) -> u8;
}

impl Number for u64 {
    const IN_BLOCKS: bool = false;
    fn of(number: u8) -> Self {
        u64::from(number) * 0x0101_0101_0101_0101
    }
    fn number(&self) -> u8 {
        assert_eq!(*self, Self::of(*self as u8), "torn");
        *self as u8
    }
}

impl Number for [u64; 8] {
    const IN_BLOCKS: bool = false;
    fn of(number: u8) -> Self {
        [u64::from(number) << 8 | 1; 8]
    }
    fn number(&self) -> u8 {
        assert_eq!(*self, [self[0]; 8], "torn");
        (self[0] >> 8) as u8
    }
}

impl Number for String {
    const IN_BLOCKS: bool = true;
    fn of(number: u8) -> Self {
        // Of different lengths, also such as do not fit where another one was.
        let more = if number < LONG { 0 } else { 200 };
        char::from(number).to_string().repeat(1 + usize::from(number % 4) * 8 + more)
    }
    fn number(&self) -> u8 {
        let number = self.chars().next().expect("no number has an empty one") as u8;
        assert_eq!(*self, Self::of(number), "torn");
        number
    }
}

/// A collection, in whose contents numbers stand for what is in it.
trait Kept: Sized + 'static {
    /// What one entry or item is.
    type Part: Clone + PartialEq + Debug + 'static;
    /// How many ways there are to come by as the first one after a death.
    const TOUCHES: usize = 5;

    /// A new one with this in it.
    fn of(parts: &[Self::Part]) -> Self;
    /// All that is in it, by one who goes in and waits for others. Panics if something is torn.
    fn contents(&self) -> Vec<Self::Part>;
    /// The same, one after the other by one who only reads.
    fn seen(&self) -> Vec<Self::Part>;
    /// Changes something and changes it back, or does something else that a survivor may do first.
    fn touch(&self, way: usize);
    /// Something that was not in it is put in and taken out.
    fn works_on(&self);
    /// Whatever waits for the next one who frees something is freed.
    fn settle(&mut self) {}
    fn clear(&self);
    /// What one who comes after the victim does, who is killed as well,
    fn follow(&self);
    /// and what is in it then.
    fn followed(parts: &[Self::Part]) -> Vec<Self::Part>;
    /// How many blocks there are but for tables, with this in it.
    fn blocks(&self, parts: &[Self::Part]) -> usize;
    /// What there is of memory, and where the tables are.
    fn account(&self) -> (audit::Usage, BTreeSet<u32>);

    /// No block is in use but those that what is in it takes.
    #[track_caller]
    fn assert_accounted_for(&self, parts: &[Self::Part]) {
        let (usage, tables) = self.account();
        let blocks = usage.blocks - tables.len();
        assert_eq!(blocks, self.blocks(parts), "{usage:?}, {} tables, {parts:?}", tables.len());
        assert_eq!(usage.orphans, 0);
    }
}

/// [`Kept::account`] of a whole memory.
fn account(of: &impl Collection) -> (audit::Usage, BTreeSet<u32>) {
    (audit::usage(of).expect("all is whole"), audit::tables(of).expect("all is whole"))
}

/// A collection's memory where this process sees it.
#[derive(Clone, Debug)]
struct Ground {
    memory: Memory,
    start: usize,
}

/// Where the blocks begin.
const BLOCKS: usize = 16 << 10;
/// How much of them there is at first.
const GRAIN: usize = 16 << 10;
/// How much of them is watched: most of these collections have all of theirs there.
const WATCHED: usize = 8 << 10;
/// Where the heap's ledger begins, with its lock.
const HEAP: usize = 64;
/// What is watched, and how much of it: the heap's lock and the beginning of its journal; its lists, behind that; blocks.
const PIECES: [(usize, usize); 3] = [(HEAP, 1 << 10), (9792, 384), (BLOCKS, WATCHED)];

/// The number of a word of the memory among those that are watched.
const fn traced(offset: usize) -> usize {
    let [heap, lists, blocks] = PIECES;
    let before = if offset < heap.0 + heap.1 {
        offset - heap.0
    } else {
        heap.1 + lists.1 + (offset - blocks.0)
    };
    (HEAD_BYTES + before) / 8
}

impl Ground {
    /// That of the collection that this makes.
    fn under<T>(make: impl FnOnce() -> T) -> (T, Self) {
        warm();
        let long = || pieces().into_iter().filter(|piece| piece.len > 1 << 30);
        let before: BTreeSet<u64> = long().map(|piece| piece.inode).collect();
        let made = make();
        let piece = long().find(|piece| !before.contains(&piece.inode)).expect("a new memory");
        let start = piece.start;
        let memory = Memory::at(PIECES.map(|(from, len)| (start + from, len)));
        (made, Self { memory, start })
    }

    /// A copy of all that is in it, if that is not more than a grain.
    fn picture(&self) -> Vec<u8> {
        let mut bytes = vec![0; BLOCKS + GRAIN];
        let own = File::open("/proc/self/mem").expect("procfs");
        own.read_exact_at(&mut bytes, self.start as u64).expect("it is mapped");
        bytes
    }

    /// Makes it what it was, while nobody is in it.
    fn restore(&self, picture: &[u8]) {
        let own = File::options().write(true).open("/proc/self/mem").expect("procfs");
        own.write_all_at(picture, self.start as u64).expect("it is mapped");
    }
}

/// A way to change a collection.
trait Way: 'static {
    type Of: Kept;
    const NAME: &'static str;
    /// What is in it before the first step, and after each.
    const STATES: &'static [&'static [<Self::Of as Kept>::Part]];
    /// The same, with two deaths.
    const TWO_DEATHS: &'static str = "";
    /// [`Scene::ALONG`].
    const ALONG: &'static [usize] = &[];

    /// A new one, ready for the first step.
    fn ready() -> Self::Of {
        Self::Of::of(Self::STATES[0])
    }
    /// Gets ready, begins, and does the steps.
    fn run(kept: &Self::Of, steps: &Steps<'_>);
}

/// Which death this is in the life of the process: what is looked at first is another thing each time.
static TURN: AtomicUsize = AtomicUsize::new(0);

struct Changing<W: Way> {
    kept: W::Of,
    ground: Ground,
    turn: usize,
    /// Who looked while the victim stood; ends with the number of what it saw.
    reader: Option<Helper>,
}

/// What may be in it after a death.
fn states_after<W: Way>(death: &Death) -> [&'static [<W::Of as Kept>::Part]; 2] {
    let last = W::STATES.len() - 1;
    let step = if death.over { last } else { death.step as usize };
    [W::STATES[step], W::STATES[(step + 1).min(last)]]
}

impl<W: Way> Changing<W> {
    /// It can be used, and all of its memory comes back.
    fn ends_well(mut self, found: &[<W::Of as Kept>::Part]) {
        self.kept.settle();
        self.kept.assert_accounted_for(found);
        self.kept.works_on();
        assert_eq!(self.kept.contents(), found);
        self.kept.clear();
        assert!(self.kept.contents().is_empty());
        self.kept.assert_accounted_for(&[]);
    }
}

impl<W: Way> Scene for Changing<W> {
    const NAME: &'static str = W::NAME;
    const PATIENCE: usize = PATIENCE;
    const LEAPS: bool = true;
    const ALONG: &'static [usize] = W::ALONG;

    fn set() -> Self {
        let (kept, ground) = Ground::under(W::ready);
        Self { kept, ground, turn: TURN.fetch_add(1, SeqCst), reader: None }
    }
    fn memory(&self) -> Memory {
        self.ground.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::in_the_middle(|steps| W::run(&self.kept, steps))
    }
    fn victim_stands(&mut self) {
        if self.turn.is_multiple_of(2) {
            return;
        }
        let look = || {
            let seen = self.kept.seen();
            let state = W::STATES.iter().position(|state| *state == seen);
            state.unwrap_or_else(|| panic!("a reader saw {seen:?}")) as u8
        };
        let reader = Helper::new(look);
        reader.settle();
        self.reader = Some(reader);
    }
    fn aftermath(mut self, death: &Death) -> Duration {
        let seen = self.reader.take().map(|reader| W::STATES[usize::from(reader.end())]);
        if seen.is_none() {
            self.kept.touch(self.turn / 2 % W::Of::TOUCHES);
        }
        let took = death.age();
        let found = self.kept.contents();
        let may_be = states_after::<W>(death);
        assert!(may_be.contains(&&found[..]), "{found:?} is neither of {may_be:?}");
        assert!(seen.is_none_or(|seen| *seen == found), "{seen:?} was seen before {found:?}");
        self.ends_well(&found);
        took
    }
}

impl<W: Way> Succession for Changing<W> {
    const NAME: &'static str = W::TWO_DEATHS;

    fn successor(&self, _: &Death) -> Victim {
        Victim::new(|| (), |(), _| self.kept.follow())
    }
    fn after_both(self, first: &Death, second: &Death) -> Duration {
        self.kept.touch(self.turn % W::Of::TOUCHES);
        let took = second.age();
        let found = self.kept.contents();
        let may_be = states_after::<W>(first);
        let before = may_be.iter().any(|state| **state == found) && !second.over;
        let after = may_be.iter().any(|state| W::Of::followed(state) == found);
        assert!(before || after, "{found:?} does not come from any of {may_be:?}");
        self.ends_well(&found);
        took
    }
}
