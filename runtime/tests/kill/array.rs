//! Scenes of `Array`: elements are as before or as after, rows are written from the first to the last, and what was in the hands
//! of the dead, or on its way to them, is everybody's again. The next one is never in anybody's way.

use std::fmt::Debug;
use std::ptr;
use std::time::Duration;

use offspring::{Array, Chunk, ChunksMut, Connection, RecvTimeoutError, Shareable, pipe};

use crate::DEADLINE;
use crate::compound::{self, Succession};
use crate::helper::Helper;
use crate::scenes::{Entry, Scene, scene, warm};
use crate::victim::{Death, Memory, Victim};

pub(crate) const SCENES: &[Entry] = &[
    scene::<Word>(),
    scene::<Long>(),
    (<Long as Succession>::NAME, compound::run::<Long>),
    scene::<Row<u16>>(),
    scene::<Row<[u64; 3]>>(),
    scene::<Lending>(),
    scene::<Returning>(),
    scene::<Sending>(),
    scene::<Receiving>(),
];

const LEN: usize = 6;

/// An element whose parts tell whether it is whole.
trait Element: Shareable + Copy + PartialEq + Debug {
    const NAME: &'static str;
    fn of(number: u16) -> Self;
}

impl Element for u16 {
    const NAME: &'static str = "array: write a row of words";
    fn of(number: u16) -> Self {
        number * 257
    }
}

impl Element for [u64; 3] {
    const NAME: &'static str = "array: write a row of long elements";
    fn of(number: u16) -> Self {
        [1, 2, 3].map(|factor| u64::from(number) * factor)
    }
}

fn array<T: Element>() -> Array<T> {
    warm();
    let array = Array::from_fn(LEN, |i| T::of(i as u16)).expect("memory");
    // The first time that anything is done is longer.
    drop(array.chunks_mut(1).expect("descriptors").next());
    assert_eq!(array.get(0), Some(T::of(0)));
    array
}

/// The control block, the room for an old element, and the elements, of which nothing is lent.
fn memory<T: Shareable>(array: &Array<T>) -> Memory {
    let all = array.try_chunks_mut(LEN).expect("nothing is lent").next().expect("all of it");
    memory_around(&all)
}

fn memory_around<T>(all: &[T]) -> Memory {
    let start = ptr::from_ref(all).cast::<u8>().addr();
    // The object begins with a page, and its header has 64 bytes.
    let front = (start & !4095) + 64;
    Memory::at([(front, start + size_of_val(all) - front)])
}

fn numbers(range: impl IntoIterator<Item = u16>) -> Vec<u16> {
    range.into_iter().collect()
}

/// Whether the array is these elements, after one has looked whom nothing may keep waiting.
fn is<T: Element>(array: &Array<T>, expected: &[u16]) -> bool {
    array.try_to_vec().expect("nothing is lent")
        == expected.iter().map(|number| T::of(*number)).collect::<Vec<_>>()
}

/// Another one changes elements, and has all of them.
fn goes_on<T: Element>(array: &Array<T>, death: &Death) -> Duration {
    array.update(LEN - 1, |last| *last = T::of(99)).expect("nobody has it");
    let took = death.age();
    let all = array.try_chunks_mut(LEN).expect("nobody has any").next().expect("all of it");
    assert_eq!(all[LEN - 1], T::of(99));
    took
}

struct Word(Array<u16>, Memory);

impl Scene for Word {
    const NAME: &'static str = "array: set and update a word";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self(array, memory)
    }
    fn memory(&self) -> Memory {
        self.1.clone()
    }
    fn start(&self) -> Victim {
        let change = |(), steps: &crate::victim::Steps<'_>| {
            _ = self.0.set(1, u16::of(50)).unwrap();
            steps.done(1);
            self.0.update(2, |element| *element = u16::of(51)).unwrap();
            steps.done(2);
        };
        Victim::new(|| (), change)
    }
    fn aftermath(self, death: &Death) -> Duration {
        let states = [[0, 1, 2, 3, 4, 5], [0, 50, 2, 3, 4, 5], [0, 50, 51, 3, 4, 5]];
        let step = death.step.min(2) as usize;
        assert!(states[step..].iter().take(2).any(|state| is(&self.0, state)), "{:?}", self.0);
        assert!(!death.over || is(&self.0, &states[2]));
        goes_on(&self.0, death)
    }
}

struct Long(Array<[u64; 3]>, Memory);

impl Long {
    fn is_as_before_or_after(&self, death: &Death) {
        let states = [[0, 1, 2, 3, 4, 5], [0, 50, 2, 3, 4, 5], [0, 50, 51, 3, 4, 5]];
        let step = death.step.min(2) as usize;
        assert!(states[step..].iter().take(2).any(|state| is(&self.0, state)), "{:?}", self.0);
        assert!(!death.over || is(&self.0, &states[2]));
    }
}

impl Scene for Long {
    const NAME: &'static str = "array: set and update a long element";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self(array, memory)
    }
    fn memory(&self) -> Memory {
        self.1.clone()
    }
    fn start(&self) -> Victim {
        let change = |(), steps: &crate::victim::Steps<'_>| {
            _ = self.0.set(1, Element::of(50)).unwrap();
            steps.done(1);
            self.0.update(2, |element| *element = Element::of(51)).unwrap();
            steps.done(2);
        };
        Victim::new(|| (), change)
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.is_as_before_or_after(death);
        goes_on(&self.0, death)
    }
}

impl Succession for Long {
    const NAME: &'static str = "array: set a long element, and mend what another has left";

    fn successor(&self, _first: &Death) -> Victim {
        Victim::new(|| (), |(), _| _ = self.0.set(4, Element::of(60)).unwrap())
    }
    fn after_both(self, first: &Death, second: &Death) -> Duration {
        let element = self.0.get(4).expect("there");
        assert!([4, 60].map(Element::of).contains(&element), "{element:?}");
        assert!(!second.over || element == <[u64; 3]>::of(60));
        _ = self.0.set(4, Element::of(4)).expect("nobody has it");
        self.is_as_before_or_after(first);
        goes_on(&self.0, second)
    }
}

/// From the third element on, two that are within a wide word with others.
struct Row<T: Element>(Array<T>, Memory);

impl<T: Element> Scene for Row<T> {
    const NAME: &'static str = T::NAME;

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self(array, memory)
    }
    fn memory(&self) -> Memory {
        self.1.clone()
    }
    fn start(&self) -> Victim {
        let new = [70, 71, 72, 73].map(T::of);
        Victim::new(|| (), move |(), _| self.0.write(1, &new).unwrap())
    }
    fn aftermath(self, death: &Death) -> Duration {
        let written =
            |count: u16| numbers((0..6).map(|i| if (1..=count).contains(&i) { 69 + i } else { i }));
        let possible = if death.over { 4..=4 } else { 0..=4 };
        assert!(possible.into_iter().any(|count| is(&self.0, &written(count))), "{:?}", self.0);
        goes_on(&self.0, death)
    }
}

/// Lending all of it to itself, cutting pieces, using them, and giving them back.
struct Lending(Array<u16>, Memory);

impl Scene for Lending {
    const NAME: &'static str = "array: chunks_mut, two pieces, and their drop";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self(array, memory)
    }
    fn memory(&self) -> Memory {
        self.1.clone()
    }
    fn start(&self) -> Victim {
        let lend = |(), steps: &crate::victim::Steps<'_>| {
            let mut pieces = self.0.chunks_mut(2).unwrap();
            let (mut first, last) = (pieces.next().unwrap(), pieces.next_back().unwrap());
            steps.done(1);
            first[0] = u16::of(80);
            steps.done(2);
            drop(last);
            drop(pieces);
            drop(first);
        };
        Victim::new(|| (), lend)
    }
    fn aftermath(self, death: &Death) -> Duration {
        let states = [[0, 1, 2, 3, 4, 5], [80, 1, 2, 3, 4, 5]];
        let possible = match death.step {
            0 => &states[..1],
            1 => &states[..],
            _ => &states[1..],
        };
        assert!(possible.iter().any(|state| is(&self.0, state)), "{:?}", self.0);
        goes_on(&self.0, death)
    }
}

/// Giving pieces back for which others wait.
struct Returning {
    array: Array<u16>,
    memory: Memory,
    waiting: Vec<Helper>,
}

impl Scene for Returning {
    const NAME: &'static str = "array: a piece comes back, with three waiting";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self { array, memory, waiting: Vec::new() }
    }
    fn memory(&self) -> Memory {
        self.memory.clone()
    }
    fn start(&self) -> Victim {
        let take = || self.array.chunks_mut(3).unwrap().next().unwrap();
        Victim::new(take, |mut piece: Chunk<u16>, steps| {
            piece.fill(u16::of(7));
            steps.done(1);
            drop(piece);
        })
    }
    fn victim_is_ready(&mut self, _: &Victim) {
        let array = &self.array;
        let read = || u8::from(array.to_vec().is_err());
        let write = || u8::from(array.set(1, u16::of(7)).is_err());
        let lend = || u8::from(array.chunks_mut(1).is_err());
        self.waiting = vec![Helper::asleep(read), Helper::asleep(write), Helper::asleep(lend)];
    }
    fn aftermath(self, death: &Death) -> Duration {
        self.waiting.into_iter().for_each(|helper| assert_eq!(helper.end(), 0));
        let took = death.age();
        if death.step > 0 {
            assert!(is(&self.array, &[7, 7, 7, 3, 4, 5]), "{:?}", self.array);
        }
        goes_on(&self.array, death);
        took
    }
}

/// A piece that is sent has arrived, or is everybody's again.
struct Sending {
    array: Array<u16>,
    memory: Memory,
    ends: (Connection<Chunk<u16>, ()>, Connection<(), Chunk<u16>>),
}

impl Scene for Sending {
    const NAME: &'static str = "array: a piece is sent";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        Self { array, memory, ends: pipe().expect("descriptors") }
    }
    fn memory(&self) -> Memory {
        self.memory.clone()
    }
    fn start(&self) -> Victim {
        let take = || {
            let mut pieces = self.array.chunks_mut(3).unwrap();
            (pieces.next().unwrap(), pieces)
        };
        Victim::new(take, |(piece, _rest): (Chunk<u16>, ChunksMut<u16>), steps| {
            self.ends.0.send(piece).unwrap();
            steps.done(1);
        })
    }
    fn aftermath(self, death: &Death) -> Duration {
        let arrived = self.ends.1.recv_timeout(Duration::ZERO);
        let took = death.age();
        match arrived {
            Ok(mut piece) => {
                assert_eq!(self.array.lent(), 3);
                piece.fill(1);
            }
            Err(RecvTimeoutError::TimedOut) => assert_eq!(death.step, 0),
            Err(other) => panic!("{other}"),
        }
        goes_on(&self.array, death);
        took
    }
}

/// Taking a piece over, and giving it back.
struct Receiving {
    array: Array<u16>,
    memory: Memory,
    end: Connection<(), Chunk<u16>>,
}

impl Scene for Receiving {
    const NAME: &'static str = "array: a piece is received";

    fn set() -> Self {
        let array = array();
        let memory = memory(&array);
        let (other, end) = pipe().expect("descriptors");
        let piece = array.chunks_mut(3).expect("descriptors").next().expect("there is one");
        other.send(piece).expect("room in a socket");
        Self { array, memory, end }
    }
    fn memory(&self) -> Memory {
        self.memory.clone()
    }
    fn start(&self) -> Victim {
        Victim::new(
            || (),
            |(), steps| {
                let mut piece = self.end.recv().unwrap();
                piece.fill(u16::of(9));
                steps.done(1);
                drop(piece);
            },
        )
    }
    fn aftermath(self, death: &Death) -> Duration {
        let left = self.end.recv_timeout(Duration::ZERO).ok();
        assert!(left.is_none() || death.step == 0);
        drop(left);
        assert!(self.array.wait_timeout(DEADLINE).expect("not here"), "it never comes back");
        let took = goes_on(&self.array, death);
        if death.step > 0 {
            assert_eq!(self.array.get(2), Some(u16::of(9)));
        }
        took
    }
}
