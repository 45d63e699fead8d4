//! What the workers share, and how they know who is where while any of them can be dead.
//!
//! A worker that is inside of something says so in a word of its own, a *stay*: an odd number, another one each time. Who finds
//! the same stays twice knows that they were all there at the moment in between, provided that none of their workers was
//! killed meanwhile: so the supervisor counts a worker's life up (to an odd number) before it kills it, and again when
//! it has cleaned up after it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use offspring::shared;
use offspring::sync::{
    Barrier, BoundedSemaphore, Condvar, Event, Mutex, Once, RLock, RwLock, Semaphore,
};

use crate::ledger::{Ledger, Stock};

/// How many workers there are at a time.
pub(crate) const WORKERS: usize = 8;
/// Permits of the semaphores.
pub(crate) const PERMITS: usize = 3;
/// More than are used up in half an hour.
pub(crate) const ONCES: usize = 64;

/// How many ledgers there are: in the mutex, in the lock for reading and writing, and what goes in and out of stock.
pub(crate) const LEDGERS: usize = 4;
/// Parties of the barrier.
pub(crate) const PARTIES: usize = 2;

/// What one can be inside of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Mutex,
    Again,
    Reading,
    Writing,
    Semaphore,
    Bounded,
    Once,
}

/// How many places there are.
const PLACES: usize = 7;

/// What is known of a worker from outside.
#[shared]
#[derive(Debug)]
pub(crate) struct Record {
    /// Odd from just before it is killed until nothing of it is left here.
    life: AtomicU64,
    stays: [AtomicU64; PLACES],
    /// The operation that it is at, and when it began, in microseconds since the start.
    pub(crate) doing: AtomicU64,
    pub(crate) since: AtomicU64,
    /// What it has added, to which ledger.
    pub(crate) added: [AtomicU64; LEDGERS],
    pub(crate) operations: AtomicU64,
}

impl Record {
    const fn new() -> Self {
        Self {
            life: AtomicU64::new(0),
            stays: [const { AtomicU64::new(0) }; PLACES],
            doing: AtomicU64::new(0),
            since: AtomicU64::new(0),
            added: [const { AtomicU64::new(0) }; LEDGERS],
            operations: AtomicU64::new(0),
        }
    }

    /// It is about to be killed.
    pub(crate) fn condemn(&self) {
        self.life.fetch_add(1, SeqCst);
    }

    /// It is dead, and another one may begin.
    pub(crate) fn clean(&self) {
        for stay in &self.stays {
            // Another number than any that it had.
            stay.fetch_update(SeqCst, SeqCst, |stay| Some((stay | 1) + 1)).expect("always some");
        }
        self.life.fetch_add(1, SeqCst);
    }
}

#[shared]
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) records: [Record; WORKERS],
    pub(crate) stop: AtomicU64,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) again: RLock,
    pub(crate) book: RwLock<Ledger>,
    pub(crate) permits: Semaphore,
    pub(crate) bounded: BoundedSemaphore,
    /// Released by some, used up by others.
    pub(crate) signals: Semaphore,
    pub(crate) stock: Mutex<Stock>,
    pub(crate) changed: Condvar,
    pub(crate) barrier: Barrier,
    /// How many came first, second, and so on.
    pub(crate) passed: [AtomicU64; PARTIES],
    pub(crate) event: Event,
    pub(crate) onces: [Once; ONCES],
    pub(crate) done_once: [AtomicU64; ONCES],
}

impl World {
    pub(crate) const fn new() -> Self {
        Self {
            records: [const { Record::new() }; WORKERS],
            stop: AtomicU64::new(0),
            ledger: Mutex::new(Ledger::new()),
            again: RLock::new(),
            book: RwLock::new(Ledger::new()),
            permits: Semaphore::new(PERMITS),
            bounded: BoundedSemaphore::new(PERMITS),
            signals: Semaphore::new(0),
            stock: Mutex::new(Stock::new()),
            changed: Condvar::new(),
            barrier: Barrier::new(PARTIES),
            passed: [const { AtomicU64::new(0) }; PARTIES],
            event: Event::new(),
            onces: [const { Once::new() }; ONCES],
            done_once: [const { AtomicU64::new(0) }; ONCES],
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(SeqCst) != 0
    }

    /// How many workers were certainly inside of this at one moment during the call.
    pub(crate) fn inside(&self, place: Place) -> usize {
        let look = |what: fn(&Record, usize) -> &AtomicU64| {
            std::array::from_fn::<u64, WORKERS, _>(|worker| {
                what(&self.records[worker], place as usize).load(SeqCst)
            })
        };
        let lives = look(|record, _| &record.life);
        let stays = look(|record, place| &record.stays[place]);
        let still = look(|record, place| &record.stays[place]);
        let alive = look(|record, _| &record.life);
        (0..WORKERS)
            .filter(|&it| stays[it] % 2 == 1 && stays[it] == still[it])
            .filter(|&it| lives[it] % 2 == 0 && lives[it] == alive[it])
            .count()
    }
}

/// Being inside of something, as others can see it.
#[derive(Debug)]
pub(crate) struct Stay<'a>(&'a AtomicU64);

impl<'a> Stay<'a> {
    /// The worker has come in.
    pub(crate) fn begin(world: &'a World, worker: usize, place: Place) -> Self {
        let stay = &world.records[worker].stays[place as usize];
        stay.fetch_add(1, SeqCst);
        Self(stay)
    }
}

impl Drop for Stay<'_> {
    /// The worker is about to go out.
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}
