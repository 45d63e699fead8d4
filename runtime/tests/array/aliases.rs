//! Attempts to have the same elements twice: whatever is sent how often, and whatever is kept, one has them at a time.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use offspring::{Array, Chunk, Error, Queue, RecvError, message, pipe, process};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::until_asleep;

/// A piece that is sent and kept.
#[derive(Clone, Debug)]
struct Kept(Arc<Chunk<u32>>);

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Chunk::deserialize(deserializer).map(|part| Self(Arc::new(part)))
    }
}

fn kept(array: &Array<u32>) -> Kept {
    Kept(Arc::new(array.chunks_mut(array.len()).unwrap().next().unwrap()))
}

fn is_refused<T>(received: Result<T, RecvError>) -> bool {
    let Err(RecvError::Failed(error @ Error::Decode { .. })) = received else { return false };
    error.to_string().contains("passed by value")
}

#[process]
fn look(part: &Chunk<u32>) -> usize {
    part.len()
}

#[test]
fn what_its_sender_keeps_is_not_had_by_the_receiver() {
    let array = Array::from([1, 2]).unwrap();
    let part = kept(&array);
    let (a, b) = pipe::<Kept, Kept>().unwrap();
    let view = &part.0[..];
    a.send(part.clone()).unwrap();
    assert!(is_refused(b.recv()));
    assert_eq!(view, [1, 2]);
    drop(part);
    assert_eq!(array.to_vec().unwrap(), [1, 2]);
}

#[test]
fn a_piece_that_is_lent_to_a_task_stays_with_its_owner() {
    let array = Array::from([1, 2]).unwrap();
    let mut part = array.chunks_mut(2).unwrap().next().unwrap();
    let error = look::spawn(&part).unwrap().join().unwrap_err();
    assert!(error.to_string().contains("passed by value"), "{error}");
    part[0] = 7;
    drop(part);
    assert_eq!(array.to_vec().unwrap(), [7, 2]);
}

#[test]
fn the_receiver_has_it_when_the_sender_lets_go() {
    let array = Array::from([1, 2]).unwrap();
    let part = kept(&array);
    let (a, b) = pipe::<Kept, Kept>().unwrap();
    a.send(part.clone()).unwrap();
    let id = Mutex::new(0);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            *id.lock().unwrap() = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            b.recv()
        });
        while *id.lock().unwrap() == 0 {
            thread::yield_now();
        }
        until_asleep(*id.lock().unwrap());
        drop(part);
        let mut received = receiver.join().unwrap().unwrap();
        Arc::get_mut(&mut received.0).unwrap()[1] = 9;
    });
    assert_eq!(array.to_vec().unwrap(), [1, 9]);
}

#[test]
fn of_two_receivers_one_has_it() {
    let array = Array::from([1, 2]).unwrap();
    let part = kept(&array);
    let (a, b) = pipe::<Kept, Kept>().unwrap();
    (0..3).for_each(|_| a.send(part.clone()).unwrap());
    drop(part);
    let first = b.recv().unwrap();
    assert!(is_refused(b.recv()));
    drop(first);
    // One after the other is no harm.
    assert_eq!(b.recv().unwrap().0[..], [1, 2]);
    assert!(!array.is_lent());
}

/// A message that says of itself to be another piece than it is.
#[message]
#[derive(Debug)]
enum Forged {
    Array { array: Array<u32>, start: u64, end: u64 },
    Part { part: Chunk<u32> },
}

/// Sent as one thing, received as another: the same descriptors, other words.
#[derive(Debug)]
struct As(Forged);

impl Serialize for As {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Forged::Array { array, start, end } => (array, start, end).serialize(serializer),
            Forged::Part { part } => part.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for As {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Chunk::deserialize(deserializer).map(|part| Self(Forged::Part { part }))
    }
}

#[test]
fn a_forged_piece_is_had_only_if_nobody_has_it() {
    let array = Array::from([1, 2, 3, 4]).unwrap();
    let forge = |start, end| As(Forged::Array { array: array.clone(), start, end });
    let queue = Queue::new().unwrap();
    for (start, end) in [(0, 5), (4, 4), (3, 2), (5, 9), (0, u64::MAX), (u64::MAX, u64::MAX)] {
        queue.put(forge(start, end)).unwrap();
        let error = queue.get().unwrap_err();
        assert!(error.to_string().contains("no such elements"), "{error}");
    }
    queue.put(forge(1, 3)).unwrap();
    let Forged::Part { part } = queue.get().unwrap().0 else { unreachable!() };
    assert_eq!((part[..].to_vec(), array.lent()), (vec![2, 3], 2));
    queue.put(forge(2, 4)).unwrap();
    assert!(queue.get_timeout(Duration::from_secs(60)).is_err());
    drop(part);
    assert!(!array.is_lent());
}
