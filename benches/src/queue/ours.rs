//! Our queues as lanes, in each of the ways in which items can be put and taken.

use offspring::{Message, Queue, message};

use super::case::Case;
use super::lane::{Lane, Look, Payload, Seen};
use crate::Fallible;

/// What a call gives that nothing can hinder here.
const ALIVE: &str = "nobody leaves";

/// By value: put and get, or so many at once.
#[message]
#[derive(Debug)]
pub struct ByValue<P: 'static> {
    queue: Queue<P>,
    batch: usize,
    size: usize,
}

impl<P: Payload + Message> Lane for ByValue<P> {
    fn new(case: Case) -> Fallible<Self> {
        let queue = Queue::bounded(case.bound())?;
        Ok(Self { queue, batch: case.batch(), size: case.size() })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| {
            if self.batch == 1 {
                self.queue.put(P::copied(source)).expect(ALIVE);
            } else {
                self.queue.put_many(source.chunks(self.size).map(P::copied)).expect(ALIVE);
            }
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::one(self.size);
        Ok(move || {
            if self.batch == 1 {
                return self.queue.get().expect(ALIVE).seen(look);
            }
            let items = self.queue.get_many(self.batch).expect(ALIVE);
            items.iter().map(|item| item.seen(look)).fold(Seen::default(), Seen::and)
        })
    }
}

/// Bytes, put from a slice and taken as a `Vec`.
#[message]
#[derive(Debug)]
pub struct Bytes {
    queue: Queue<Vec<u8>>,
    size: usize,
}

impl Lane for Bytes {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { queue: Queue::bounded(case.bound())?, size: case.size() })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| self.queue.put_bytes(source).expect(ALIVE))
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::one(self.size);
        Ok(move || look.at(&self.queue.get().expect(ALIVE)))
    }
}

/// Bytes, written and read where they lie.
#[message]
#[derive(Debug)]
pub struct BytesInPlace {
    queue: Queue<Vec<u8>>,
    size: usize,
}

impl Lane for BytesInPlace {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { queue: Queue::bounded(case.bound())?, size: case.size() })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| {
            let mut room = self.queue.reserve_bytes(source.len()).expect(ALIVE);
            room.copy_from_slice(source);
            room.commit().expect(ALIVE);
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::one(self.size);
        Ok(move || self.queue.get_bytes_with(|bytes| look.at(bytes)).expect(ALIVE))
    }
}

/// Values of a fixed size, written and read where they lie.
#[message]
#[derive(Debug)]
pub struct InPlace<const N: usize> {
    queue: Queue<[u8; N]>,
}

impl<const N: usize> Lane for InPlace<N> {
    fn new(case: Case) -> Fallible<Self> {
        Ok(Self { queue: Queue::bounded(case.bound())? })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        Ok(|source: &[u8]| {
            let room = self.queue.reserve().expect(ALIVE);
            room.write(Payload::copied(source)).expect(ALIVE);
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let look = Look::one(N);
        Ok(move || self.queue.get_with(|item| look.at(item)).expect(ALIVE))
    }
}
