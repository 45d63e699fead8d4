//! All operations on elements, of every shape that an element can have.

use std::collections::HashSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use offspring::sync::LockError;
use offspring::{Array, Error, Shareable, Text, shared};

use crate::support::DEADLINE;

#[shared]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Pixel {
    red: u8,
    green: u8,
    blue: u8,
}

#[shared]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Uneven {
    long: u64,
    short: u8,
    middle: u16,
}

#[shared]
#[repr(align(16384))]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Wide(u64);

/// Everything that there is to be done with elements that can be copied.
fn works<T: Shareable + Copy + PartialEq + Debug>(make: impl Fn(usize) -> T) {
    const LEN: usize = 1500;
    let all: Vec<T> = (0..LEN).map(&make).collect();
    let array = Array::from_fn(LEN, &make).unwrap();
    assert_eq!((array.len(), array.is_empty()), (LEN, false));
    assert_eq!(array.to_vec().unwrap(), all);
    assert_eq!(array.iter().unwrap().collect::<Vec<T>>(), all);
    for index in [0, 1, 7, LEN - 1] {
        assert_eq!(array.get(index), Some(make(index)));
        assert_eq!(array.set(index, make(index + 100)).unwrap(), make(index));
        assert_eq!(array.get(index), Some(make(index + 100)));
        let changed = array.update(index, |element| std::mem::replace(element, make(index)));
        assert_eq!(changed.unwrap(), Some(make(index + 100)));
    }
    assert_eq!(array.to_vec().unwrap(), all, "nothing else has changed");
    for (at, len) in [(0, LEN), (1, 900), (LEN - 1, 1), (LEN, 0), (3, 7), (511, 3)] {
        let new: Vec<T> = (0..len).map(|i| make(i + 7000)).collect();
        array.write(at, &new).unwrap();
        let mut back = vec![make(0); len];
        array.read(at, &mut back).unwrap();
        assert_eq!(back, new);
        let mut expected = all.clone();
        expected[at..at + len].copy_from_slice(&new);
        assert_eq!(array.to_vec().unwrap(), expected);
        array.write(0, &all).unwrap();
    }
    array.fill(make(3)).unwrap();
    assert_eq!(array.to_vec().unwrap(), vec![make(3); LEN]);
}

#[test]
fn elements_of_every_shape() {
    works(|i| i as u8);
    works(|i| i as i16);
    works(|i| i as f32 / 7.0);
    works(|i| i as u64 * 1_000_000_007);
    works(|i| i as u128 * 10_u128.pow(30));
    works(|i| i % 3 == 0);
    works(|i| char::from_u32(i as u32 + 32).unwrap());
    works(|i| if i % 2 == 0 { Some(i as u32) } else { None });
    works(|i| Pixel { red: i as u8, green: 2, blue: (i / 256) as u8 });
    works(|i| Uneven { long: i as u64, short: i as u8, middle: 3 });
    works(|i| [i as u64; 5]);
    works(|i| (i as u8, (i as f64, i as u16)));
}

#[test]
fn elements_of_a_large_alignment_or_size() {
    let wide = Array::from_fn(20, |i| Wide(i as u64)).unwrap();
    wide.set(3, Wide(77)).unwrap();
    assert_eq!(wide.get(3), Some(Wide(77)));
    let mut pieces = wide.chunks_mut(5).unwrap();
    let piece = pieces.next_back().unwrap();
    assert!(piece.as_ptr().addr().is_multiple_of(16384));
    assert_eq!(piece[4], Wide(19));
    drop((piece, pieces));
    let large = Array::filled([1_u8; 100_001], 3).unwrap();
    large.update(1, |bytes| bytes.fill(2)).unwrap();
    assert_eq!(large.iter().unwrap().map(|bytes| bytes[77]).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn constructors() {
    assert_eq!(Array::from([1, 2, 3]).unwrap().to_vec().unwrap(), [1, 2, 3]);
    assert_eq!(Array::from_slice(&[1.5, 2.5]).unwrap().to_vec().unwrap(), [1.5, 2.5]);
    assert_eq!(Array::from_iter("hi".chars()).unwrap().to_vec().unwrap(), ['h', 'i']);
    assert_eq!(Array::filled(7_u8, 3).unwrap().to_vec().unwrap(), [7, 7, 7]);
    let clone = Array::from([1]).unwrap();
    let same = clone.clone();
    same.set(0, 5).unwrap();
    assert!(same.ptr_eq(&clone) && !same.ptr_eq(&Array::from([5]).unwrap()));
    assert_eq!(clone.get(0), Some(5));
}

#[test]
fn an_array_of_no_elements() {
    let none = Array::<u32>::from([]).unwrap();
    assert!(none.is_empty() && none.get(0).is_none() && !none.is_lent());
    assert_eq!(none.to_vec().unwrap(), []);
    assert_eq!(none.chunks_mut(3).unwrap().count(), 0);
    none.write(0, &[]).unwrap();
    none.fill(1).unwrap();
    assert_eq!(none.update(0, |_| ()).unwrap(), None);
    assert!(matches!(none.set(0, 1), Err(Error::OutOfBounds { index: 0, len: 0 })));
    assert_eq!(format!("{none:?}"), "Array([])");
}

#[test]
fn what_is_beyond_the_end_is_an_error() {
    let array = Array::from([1, 2, 3]).unwrap();
    assert_eq!(array.get(3), None);
    assert_eq!(array.try_get(3).unwrap(), None);
    assert_eq!(array.update(usize::MAX, |_| ()).unwrap(), None);
    let error = array.set(3, 0).unwrap_err();
    assert_eq!(error.to_string(), "there is no element 3 in an array of 3");
    for (at, len) in [(0, 4), (3, 1), (4, 0), (usize::MAX, 2), (usize::MAX, 0)] {
        let mut some = vec![0; len];
        assert!(matches!(array.read(at, &mut some), Err(Error::OutOfBounds { .. })), "{at} {len}");
        assert!(matches!(array.write(at, &some), Err(Error::OutOfBounds { .. })), "{at} {len}");
    }
    assert_eq!(array.to_vec().unwrap(), [1, 2, 3]);
}

#[test]
fn more_than_there_is_memory_is_an_error() {
    for len in [1 << 50, usize::MAX / 8, usize::MAX] {
        let refused = Array::<u64>::from_fn(len, |_| unreachable!("there is no place for it"));
        assert!(matches!(refused, Err(Error::System { .. })), "{refused:?}");
    }
}

#[test]
fn elements_that_are_not_copied() {
    let names = Array::from([Text::<8>::try_from("ann").unwrap(), Text::new()]).unwrap();
    let before = names.set(1, Text::try_from("bob").unwrap()).unwrap();
    assert!(before.is_empty());
    let len = names.update(0, |name| {
        name.push_str("ie").unwrap();
        name.len()
    });
    assert_eq!(len.unwrap(), Some(5));
    assert_eq!(format!("{names:?}"), r#"Array(["annie", "bob"])"#);
    let counters = Array::from_fn(4, |_| AtomicU32::new(1)).unwrap();
    for piece in counters.chunks_mut(2).unwrap() {
        thread::scope(|scope| {
            (0..2).for_each(|_| {
                _ = scope.spawn(|| piece.iter().for_each(|it| _ = it.fetch_add(1, Relaxed)));
            });
        });
    }
    assert_eq!(counters.update(3, |it| *it.get_mut()).unwrap(), Some(3));
}

#[test]
fn a_change_that_panics_has_not_happened() {
    let array = Array::from([[1_u64; 3]; 4]).unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| {
        array.update(2, |element| {
            element[0] = 7;
            panic!("on purpose");
        })
    }));
    assert!(result.is_err());
    assert_eq!(array.to_vec().unwrap(), [[1; 3]; 4]);
    assert_eq!(array.set(2, [8; 3]).unwrap(), [1; 3]);
}

#[test]
fn inside_of_a_change_others_can_be_read_and_none_changed() {
    let array = Array::from([[1_u64; 3], [2; 3]]).unwrap();
    let read = array.update(0, |element| {
        element[0] = array.get(1).unwrap()[0] + array.to_vec().unwrap()[0][0];
        let deadlock = |result| matches!(result, Err(Error::Lock(LockError::Deadlock)));
        assert!(deadlock(array.set(1, [0; 3]).map(|_| ())));
        assert!(deadlock(array.update(1, |_| ()).map(|_| ())));
        assert!(deadlock(array.write(0, &[[0; 3]])));
        assert!(deadlock(array.fill([0; 3])));
        assert!(deadlock(array.chunks_mut(1).map(|_| ())));
        element[0]
    });
    assert_eq!(read.unwrap(), Some(3));
    assert_eq!(array.to_vec().unwrap(), [[3, 1, 1], [2; 3]]);
}

/// Each element is one number many times over, always.
#[test]
fn elements_are_whole_whoever_reads_and_writes() {
    const PARTS: usize = 500;
    let array = Array::filled([0_u32; PARTS], 5).unwrap();
    let end = AtomicBool::new(false);
    let write = &|writer: u32| {
        for round in 0.. {
            let number = round * 10 + writer;
            _ = array.set(round as usize % 5, [number; PARTS]).unwrap();
            if round % 10 == 0 {
                array.write(3, &[[number; PARTS]; 2]).unwrap();
            }
            if end.load(Relaxed) {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for writer in 1..3 {
            scope.spawn(move || write(writer));
        }
        let start = Instant::now();
        let mut states = HashSet::new();
        // Seen in many states, so that some looks were in the middle of a change.
        while states.len() < 500 && start.elapsed() < DEADLINE {
            for element in array.iter().unwrap().chain((0..5).map(|i| array.get(i).unwrap())) {
                if element != [element[0]; PARTS] {
                    end.store(true, Relaxed);
                    panic!("{element:?}");
                }
                states.insert(element[0]);
            }
        }
        end.store(true, Relaxed);
        assert!(states.len() >= 500);
    });
}
