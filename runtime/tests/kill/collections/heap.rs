//! Scenes of the memory below: it grows, large blocks come and go, and what is large and free has no memory in the end, whoever was
//! killed meanwhile.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use offspring::__private::audit::Usage;
use offspring::List;

use super::{BLOCKS, Changing, HEAP, Kept, Number, Way, account, traced};
use crate::scenes::{Entry, scene};
use crate::victim::Steps;

pub(super) const SCENES: &[Entry] = &[
    scene::<Changing<Growing>>(),
    scene::<Changing<GivingBack>>(),
    scene::<Changing<Clearing>>(),
    scene::<Changing<Large>>(),
];

/// From this number on an item is so large that its memory is given back when it goes,
const LARGE: u8 = 100;
/// and from this one on that stepping through its copying would take minutes.
const HUGE: u8 = 200;

impl Number for Vec<u8> {
    const IN_BLOCKS: bool = true;
    fn of(number: u8) -> Self {
        let len = match number {
            0..LARGE => 1 + usize::from(number % 4) * 12,
            LARGE..HUGE => 525_000,
            HUGE.. => 3 << 20,
        };
        vec![number; len]
    }
    fn number(&self) -> u8 {
        assert!(*self == Self::of(self[0]), "torn");
        self[0]
    }
}

/// A list beside another one that fills the memory so far that the next item does not fit.
struct Filled {
    outer: List<List<String>>,
    list: List<String>,
    others: usize,
}

impl Filled {
    /// With so many items in the other one.
    fn with(others: usize) -> Self {
        let outer = List::from([List::of(&[]), List::of(&[1])]).unwrap();
        let [filler, list] = [0, 1].map(|index| outer.get(index).unwrap());
        let filled = Self { outer, list, others };
        for _ in 0..others {
            filled.list.push(String::of(7)).unwrap();
            filled.list.pop().unwrap();
            filler.push(String::of(7)).unwrap();
        }
        filled
    }

    fn reserved(&self) -> u64 {
        self.account().0.reserved
    }
}

impl Kept for Filled {
    type Part = u8;

    fn of(_: &[u8]) -> Self {
        let grows = |others: &usize| {
            let filled = Self::with(*others);
            let before = filled.reserved();
            filled.list.push(String::of(7)).unwrap();
            filled.reserved() > before
        };
        // The same each time.
        static OTHERS: OnceLock<usize> = OnceLock::new();
        let find = || (50..500).find(grows).expect("no memory is enough for ever");
        Self::with(*OTHERS.get_or_init(find))
    }
    fn contents(&self) -> Vec<u8> {
        self.list.contents()
    }
    fn seen(&self) -> Vec<u8> {
        self.list.seen()
    }
    fn touch(&self, way: usize) {
        self.list.touch(way);
    }
    fn works_on(&self) {
        self.list.works_on();
    }
    fn clear(&self) {
        Kept::clear(&self.list);
    }
    fn follow(&self) {
        self.list.follow();
    }
    fn followed(parts: &[u8]) -> Vec<u8> {
        List::<String>::followed(parts)
    }
    fn blocks(&self, parts: &[u8]) -> usize {
        // The outer list, its items, the inner lists, and their items.
        1 + 2 + 2 + self.others + parts.len()
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(&self.outer)
    }
}

struct Growing;

impl Way for Growing {
    type Of = Filled;
    const NAME: &'static str = "heap: push where all memory is in use, pop";
    const STATES: &'static [&'static [u8]] = &[&[1], &[1, 7], &[1]];
    fn run(filled: &Filled, steps: &Steps<'_>) {
        steps.begin();
        filled.list.push(String::of(7)).unwrap();
        steps.done(1);
        filled.list.pop().unwrap();
        steps.done(2);
    }
}

/// A list of bytes.
struct Bytes(List<Vec<u8>>);

impl Kept for Bytes {
    type Part = u8;

    fn of(parts: &[u8]) -> Self {
        Self(List::of(parts))
    }
    fn contents(&self) -> Vec<u8> {
        self.0.contents()
    }
    fn seen(&self) -> Vec<u8> {
        self.0.seen()
    }
    fn touch(&self, way: usize) {
        // What it puts in for a moment is a large one.
        self.0.touch(way);
    }
    fn works_on(&self) {
        self.0.push(Number::of(3)).unwrap();
        assert_eq!(self.0.pop().unwrap().unwrap().number(), 3);
    }
    fn clear(&self) {
        Kept::clear(&self.0);
        let (usage, _) = self.account();
        assert!(usage.reserved < 128 << 10, "{usage:?}");
    }
    fn follow(&self) {
        self.0.follow();
    }
    fn followed(parts: &[u8]) -> Vec<u8> {
        List::<Vec<u8>>::followed(parts)
    }
    fn blocks(&self, parts: &[u8]) -> usize {
        self.0.blocks(parts)
    }
    fn account(&self) -> (Usage, BTreeSet<u32>) {
        account(&self.0)
    }
}

struct GivingBack;

impl Way for GivingBack {
    type Of = Bytes;
    const NAME: &'static str = "heap: truncate, two large items go";
    const STATES: &'static [&'static [u8]] = &[&[1, LARGE, LARGE + 1, 2], &[1]];
    fn run(bytes: &Bytes, steps: &Steps<'_>) {
        steps.begin();
        bytes.0.truncate(1).unwrap();
        steps.done(1);
    }
}

struct Clearing;

impl Way for Clearing {
    type Of = Bytes;
    const NAME: &'static str = "heap: clear, a large item goes";
    const STATES: &'static [&'static [u8]] = &[&[1, LARGE], &[]];
    fn run(bytes: &Bytes, steps: &Steps<'_>) {
        steps.begin();
        bytes.0.clear().unwrap();
        steps.done(1);
    }
}

struct Large;

/// Where a list's lock is, behind its head, if that is what the memory begins with.
const LIST: usize = BLOCKS + 64;

impl Way for Large {
    type Of = Bytes;
    const NAME: &'static str = "heap: push 3 MiB, pop them";
    const STATES: &'static [&'static [u8]] = &[&[1], &[1, HUGE], &[1]];
    /// Of the heap's ledger the sequence, and the end of its log; of the list's the lock and the count.
    const ALONG: &'static [usize] =
        &[traced(HEAP + 40), traced(HEAP + 80), traced(LIST), traced(LIST + 56)];
    fn run(bytes: &Bytes, steps: &Steps<'_>) {
        let item = Vec::of(HUGE);
        steps.begin();
        bytes.0.push(item).unwrap();
        steps.done(1);
        bytes.0.pop().unwrap();
        steps.done(2);
    }
}
