//! Arrays in several processes: the same elements, changed by all.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use offspring::{Array, Chunk, Queue, Shared, message, pipe, process};

#[process]
fn count(array: &Array<u64>, times: u64) {
    for round in 0..times {
        array.update(round as usize % array.len(), |element| *element += 1).unwrap();
    }
}

#[process]
fn sum(array: Array<u64>) -> offspring::Result<u64> {
    Ok(array.iter()?.sum())
}

#[message]
#[derive(Clone)]
struct World {
    name: String,
    maps: Vec<Array<[u8; 3]>>,
    turn: Option<(Array<f64>, Shared<AtomicU32>)>,
}

#[process]
fn paint(worlds: &[World]) -> World {
    let world = worlds[1].clone();
    world.maps[0].fill([1, 2, 3]).unwrap();
    let (times, turns) = world.turn.as_ref().unwrap();
    _ = times.set(turns.fetch_add(1, SeqCst) as usize, 0.5).unwrap();
    world
}

#[process]
fn make(len: usize) -> offspring::Result<Array<usize>> {
    Array::from_fn(len, |i| i * 3)
}

#[process]
fn is_same(one: &Array<u8>, other: Array<u8>) -> bool {
    one.ptr_eq(&other)
}

#[process]
fn fill(mut part: Chunk<u64>) {
    let first = part.start() as u64;
    part.iter_mut().zip(first..).for_each(|(element, number)| *element = number);
}

under_each_method! {
    fn elements_are_changed_by_all() {
        let array = Array::filled(0, 7).unwrap();
        let children = [(); 3].map(|()| count::spawn(&array, 7000).unwrap());
        count(&array, 7000);
        children.into_iter().for_each(|child| child.join().unwrap());
        assert_eq!(array.to_vec().unwrap(), [4000; 7]);
        assert_eq!(sum::spawn(array).unwrap().join().unwrap().unwrap(), 28_000);
    }

    fn arrays_travel_inside_of_messages() {
        let world = |name: &str| World {
            name: name.to_owned(),
            maps: vec![Array::filled([0; 3], 5).unwrap()],
            turn: Some((Array::filled(0.0, 2).unwrap(), Shared::new(AtomicU32::new(1)).unwrap())),
        };
        let worlds = [world("one"), world("two")];
        let back = paint::spawn(&worlds).unwrap().join().unwrap();
        assert_eq!(back.name, "two");
        assert!(back.maps[0].ptr_eq(&worlds[1].maps[0]), "it has come home");
        assert_eq!(worlds[1].maps[0].to_vec().unwrap(), [[1, 2, 3]; 5]);
        assert_eq!(worlds[1].turn.as_ref().unwrap().0.to_vec().unwrap(), [0.0, 0.5]);
        assert_eq!(worlds[0].maps[0].to_vec().unwrap(), [[0; 3]; 5]);
    }

    fn arrays_come_back_as_results_and_outlive_their_makers() {
        let array = make::spawn(10).unwrap().join().unwrap().unwrap();
        assert_eq!(array.get(9), Some(27));
        assert_eq!(array.chunks_mut(5).unwrap().next_back().unwrap()[0], 15);
    }

    fn arrays_are_told_apart() {
        let (one, two) = (Array::from([1]).unwrap(), Array::from([1]).unwrap());
        assert!(is_same::spawn(&one, one.clone()).unwrap().join().unwrap());
        assert!(!is_same::spawn(&one, two).unwrap().join().unwrap());
    }

    /// What `Array` is for, in a few lines.
    fn sixty_four_mebibytes_filled_by_two() {
        let array = Array::filled(0_u64, 8 << 20).unwrap();
        for part in array.chunks_mut(4 << 20).unwrap() {
            fill::spawn(part).unwrap();
        }
        assert!(array.to_vec().unwrap().into_iter().eq(0..8 << 20));
    }
}

#[test]
fn another_type_is_refused() {
    let (a, b) = pipe::<Array<u32>, Array<u32>>().unwrap();
    a.send(Array::from([1, 2, 3]).unwrap()).unwrap();
    let numbers = b.recv().unwrap();
    // The same bytes and the same descriptor, in the name of another type.
    let queue = Queue::<Other>::new().unwrap();
    queue.put(Other::Numbers(numbers)).unwrap();
    let error = queue.get().unwrap_err();
    assert!(error.to_string().contains("another type"), "{error}");
}

/// Sent as an array of `u32`, received as one of `i32`.
#[derive(Debug)]
enum Other {
    Numbers(Array<u32>),
    Received(#[allow(dead_code)] Array<i32>),
}

impl serde::Serialize for Other {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Numbers(numbers) => numbers.serialize(serializer),
            Self::Received(numbers) => numbers.serialize(serializer),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Other {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Array::deserialize(deserializer).map(Self::Received)
    }
}
