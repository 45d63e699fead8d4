//! `#[shared]` on structs, enums, statics and methods.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offspring::sync::{LockError, Mutex};
use offspring::{Shareable, Shared, process, shared};

#[shared]
#[derive(Debug)]
struct Tally {
    words: AtomicU64,
    longest: Mutex<Longest>,
    pair: Pair,
    grid: Grid<u16, 4>,
    #[cfg(any())]
    never: String,
}

#[shared]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Longest {
    len: u32,
    line: u32,
}

#[shared]
#[derive(Debug)]
struct Pair(u8, (u64, [f32; 2]), PhantomData<String>);

#[shared]
#[derive(Debug, Clone, Copy)]
struct Grid<T, const N: usize>
where
    T: Copy,
{
    cells: [T; N],
}

#[shared]
#[derive(Debug, PartialEq)]
enum State {
    Idle,
    Busy { with: u32 },
    Done(Option<u64>),
}

#[shared]
#[derive(Debug)]
struct Nothing;

#[shared]
#[repr(align(64))]
struct Apart(u8);

#[shared]
impl Longest {
    const START: usize = 2;

    /// Not a method, and not repeated.
    const fn new(len: u32) -> Self {
        Self { len, line: 0 }
    }

    /// Notes a line if it is longer.
    fn see(&mut self, len: u32, line: u32) -> bool {
        let longer = len > self.len;
        if longer {
            *self = Self { len, line };
        }
        longer
    }

    fn copy(&self) -> Self {
        *self
    }

    fn merge(
        &mut self,
        other: &Self,
        (a, _): (u32, u32),
        more: [u32; Self::START],
    ) -> Option<Self> {
        let before = *self;
        self.len = self.len.max(other.len).max(a).max(more[0]);
        (before != *self).then_some(before)
    }

    fn describe<'a, T: From<u32>>(&self, text: &'a str, _: impl Sized) -> (T, &'a str) {
        (T::from(self.len), text)
    }

    fn give_up(&mut self) -> ! {
        panic!("given up")
    }
}

#[shared]
impl<T: Copy + Default + PartialEq, const N: usize> Grid<T, N> {
    fn set(&mut self, at: usize, value: T) -> Option<T> {
        self.cells.get_mut(at).map(|cell| std::mem::replace(cell, value))
    }
}

#[process]
fn work(tally: &Shared<Tally>, steps: u64) {
    tally.words.fetch_add(steps, Relaxed);
    let mut longest = tally.longest.lock().unwrap();
    longest.len += 1;
}

#[test]
fn a_shared_struct_is_one_for_all() {
    let tally = Shared::new(Tally {
        words: AtomicU64::new(1),
        longest: Mutex::default(),
        pair: Pair(1, (2, [3.0, 4.0]), PhantomData),
        grid: Grid { cells: [1, 2, 3, 4] },
    })
    .unwrap();
    let children: Vec<_> = (0..4).map(|_| work::spawn(&tally, 10).unwrap()).collect();
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(tally.words.load(Relaxed), 41);
    assert_eq!(tally.longest.lock().unwrap().len, 4);
    assert_eq!((tally.pair.1.0, tally.grid.cells[3]), (2, 4));
}

#[process]
fn note(longest: &Shared<Mutex<Longest>>, len: u32) -> Result<bool, String> {
    longest.see(len, len * 10).map_err(|error| error.to_string())
}

#[test]
fn methods_of_a_locked_value_are_locked_steps() {
    let longest = Shared::new(Mutex::new(Longest::new(2))).unwrap();
    let children: Vec<_> = [5, 9, 7].map(|len| note::spawn(&longest, len).unwrap()).into();
    for child in children {
        child.join().unwrap().unwrap();
    }
    assert_eq!(longest.copy().unwrap(), Longest { len: 9, line: 90 });
    assert_eq!(longest.merge(&Longest::new(12), (1, 2), [3, 4]).unwrap().map(|it| it.len), Some(9));
    assert_eq!(longest.describe::<u64>("text", ()).unwrap(), (12, "text"));
    let guard = longest.lock().unwrap();
    assert!(matches!(longest.copy(), Err(LockError::Deadlock)));
    drop(guard);
    let grid = Mutex::new(Grid { cells: [0_u8; 2] });
    assert_eq!(grid.set(1, 7).unwrap(), Some(0));
    assert_eq!(grid.set(2, 7).unwrap(), None);
}

#[shared]
static HITS: AtomicU64 = AtomicU64::new(5);

#[process]
fn hit(times: u64) {
    #[shared]
    static IN_A_BODY: Mutex<Longest> = Mutex::new(Longest::new(1));
    HITS.fetch_add(times, Relaxed);
    assert!(IN_A_BODY.see(u32::try_from(times).unwrap() + 1, 0).unwrap());
}

#[test]
fn a_shared_static_is_one_variable_for_the_family() {
    let before = HITS.load(Relaxed);
    for times in [1, 2, 3] {
        hit::spawn(times).unwrap().join().unwrap();
    }
    assert_eq!(HITS.load(Relaxed), before + 6);
}

#[test]
fn layouts_differ_where_types_do() {
    let layouts = [
        Longest::LAYOUT,
        Pair::LAYOUT,
        Grid::<u8, 2>::LAYOUT,
        Grid::<u8, 3>::LAYOUT,
        Grid::<i8, 2>::LAYOUT,
        State::LAYOUT,
        Nothing::LAYOUT,
        Apart::LAYOUT,
    ];
    for (at, layout) in layouts.iter().enumerate() {
        assert!(!layouts[..at].contains(layout), "layout {at} is not its own");
    }
    assert_eq!(align_of::<Apart>(), 64);
}

#[test]
fn enums_are_shared_too() {
    for state in [State::Idle, State::Busy { with: 3 }, State::Done(Some(4))] {
        let text = format!("{state:?}");
        assert_eq!(format!("{:?}", *Shared::new(state).unwrap()), text);
    }
}

#[test]
fn what_never_returns_can_be_a_locked_step() {
    let longest = Mutex::new(Longest::new(1));
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| longest.give_up()));
    assert!(end.is_err());
}
