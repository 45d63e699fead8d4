//! What the workers do, and what none of them may ever see.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use offspring::sync::{LockError, MutexGuard};

use crate::ledger::Stock;
use crate::random::Random;
use crate::world::{ONCES, PERMITS, Place, Stay, World};

/// One of the workers.
pub(crate) struct Worker<'a> {
    pub(crate) world: &'a World,
    pub(crate) number: usize,
    pub(crate) random: Random,
}

/// Something that workers do, and its name.
type Operation = (&'static str, fn(&mut Worker<'_>));

/// All that there is to do.
pub(crate) const OPERATIONS: &[Operation] = &[
    ("lock", |it| it.lock()),
    ("lock again", |it| it.lock_again()),
    ("read", |it| it.read()),
    ("write", |it| it.write()),
    ("acquire", |it| it.acquire()),
    ("acquire of a bounded one", |it| it.acquire_bounded()),
    ("signal by a semaphore", |it| it.signal()),
    ("put in stock", |it| it.put()),
    ("take from stock", |it| it.take()),
    ("barrier", |it| it.barrier()),
    ("event", |it| it.event()),
    ("once", |it| it.once()),
];

/// Short enough to be killed in, rather than before or after.
const SHORT: Duration = Duration::from_millis(3);

impl Worker<'_> {
    /// Works until it is over.
    pub(crate) fn work(&mut self, start: Instant) {
        let record = &self.world.records[self.number];
        while !self.world.is_over() {
            let which = self.random.below(OPERATIONS.len());
            record.since.store(start.elapsed().as_micros() as u64, SeqCst);
            record.doing.store(which as u64 + 1, SeqCst);
            OPERATIONS[which].1(self);
            record.doing.store(0, SeqCst);
            record.operations.fetch_add(1, SeqCst);
        }
    }

    /// A little time inside.
    fn linger(&mut self) {
        match self.random.below(50) {
            0 => std::thread::sleep(Duration::from_micros(200)),
            times => (0..10 * times).for_each(|_| spin_loop()),
        }
    }

    fn is_alone_in(&self, place: Place) {
        assert_eq!(self.world.inside(place), 1, "somebody else in {place:?}");
    }

    fn count(&self, ledger: usize) {
        self.world.records[self.number].added[ledger].fetch_add(1, SeqCst);
    }

    fn lock(&mut self) {
        let lock = &self.world.ledger;
        let guard = match self.random.below(4) {
            0 => lock.try_lock(),
            1 => lock.try_lock_for(SHORT),
            _ => lock.lock().map(Some),
        };
        let guard = match guard {
            Err(LockError::OwnerDied(mut guard)) => {
                guard.mend();
                guard.check();
                guard.mark_consistent();
                Some(guard)
            }
            Ok(guard) => guard,
            Err(error) => panic!("{error}"),
        };
        let Some(mut guard) = guard else { return };
        let stay = Stay::begin(self.world, self.number, Place::Mutex);
        guard.check();
        guard.add(self.number);
        self.is_alone_in(Place::Mutex);
        self.linger();
        drop(stay);
        drop(guard);
        self.count(0);
    }

    fn lock_again(&mut self) {
        let lock = &self.world.again;
        let Some(outer) = lock.try_lock_for(SHORT * 10).expect("nothing but time") else { return };
        let stay = Stay::begin(self.world, self.number, Place::Again);
        lock.acquire().expect("it is ours");
        self.is_alone_in(Place::Again);
        self.linger();
        lock.release().expect("it is ours");
        drop(stay);
        drop(outer);
    }

    fn read(&mut self) {
        let book = &self.world.book;
        let guard = match self.random.below(4) {
            0 => book.try_read(),
            1 => book.try_read_for(SHORT),
            _ => book.read().map(Some),
        };
        match guard {
            // A reader cannot mend; the next writer will.
            Err(LockError::OwnerDied(guard)) => drop(guard),
            Ok(Some(guard)) => {
                let stay = Stay::begin(self.world, self.number, Place::Reading);
                guard.check();
                self.linger();
                assert_eq!(self.world.inside(Place::Writing), 0, "a writer beside a reader");
                guard.check();
                drop(stay);
            }
            Ok(None) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn write(&mut self) {
        let book = &self.world.book;
        let guard = match self.random.below(4) {
            0 => book.try_write(),
            1 => book.try_write_for(SHORT),
            _ => book.write().map(Some),
        };
        let guard = match guard {
            Err(LockError::OwnerDied(mut guard)) => {
                guard.mend();
                guard.check();
                guard.mark_consistent();
                Some(guard)
            }
            Ok(guard) => guard,
            Err(error) => panic!("{error}"),
        };
        let Some(mut guard) = guard else { return };
        let stay = Stay::begin(self.world, self.number, Place::Writing);
        guard.check();
        guard.add(self.number);
        self.is_alone_in(Place::Writing);
        assert_eq!(self.world.inside(Place::Reading), 0, "a reader beside a writer");
        self.linger();
        guard.check();
        drop(stay);
        drop(guard);
        self.count(1);
    }

    fn acquire(&mut self) {
        let permits = &self.world.permits;
        let permit = match self.random.below(4) {
            0 => permits.try_acquire(),
            1 => permits.try_acquire_for(SHORT),
            _ => Some(permits.acquire()),
        };
        if permit.is_some() {
            let _stay = Stay::begin(self.world, self.number, Place::Semaphore);
            self.linger();
            assert!(self.world.inside(Place::Semaphore) <= PERMITS, "too many permits");
        }
    }

    fn acquire_bounded(&mut self) {
        let permits = &self.world.bounded;
        let permit = match self.random.below(4) {
            0 => permits.try_acquire(),
            1 => permits.try_acquire_for(SHORT),
            _ => Some(permits.acquire()),
        };
        if permit.is_some() {
            let _stay = Stay::begin(self.world, self.number, Place::Bounded);
            self.linger();
            assert!(self.world.inside(Place::Bounded) <= PERMITS, "too many permits");
        } else {
            permits.release().unwrap_err();
        }
    }

    /// Twice as many releases as uses, so that all uses come to an end.
    fn signal(&mut self) {
        let signals = &self.world.signals;
        match self.random.below(3) {
            0 => signals.acquire().forget(),
            // Not for ever more.
            _ if signals.available() < 100 => signals.release(),
            _ => {}
        }
    }

    /// Takes the lock of the stock, however that is left.
    fn stock(&self) -> MutexGuard<'_, Stock> {
        mended(self.world.stock.lock())
    }

    fn put(&mut self) {
        let everybody = self.random.below(20) == 0;
        let mut stock = self.stock();
        stock.check();
        // Not for ever more.
        if stock.left() < 20 {
            stock.put.add(self.number);
            drop(stock);
            self.count(2);
        }
        if everybody {
            self.world.changed.notify_all();
        } else {
            assert!(self.world.changed.notify_one() <= 1);
        }
    }

    fn take(&mut self) {
        // So that all who take come to an end.
        if self.random.below(2) == 0 {
            return self.put();
        }
        let mut stock = self.stock();
        while stock.left() == 0 {
            if self.world.is_over() {
                return;
            }
            stock = mended(self.world.changed.wait(stock));
        }
        stock.check();
        stock.taken.add(self.number);
        drop(stock);
        self.count(3);
    }

    fn barrier(&mut self) {
        let barrier = &self.world.barrier;
        let result = match self.random.below(2) {
            0 => barrier.wait_timeout(SHORT),
            _ => barrier.wait(),
        };
        match result {
            Ok(passed) => {
                assert_eq!(passed.is_leader(), passed.is_leader);
                self.world.passed[passed.index()].fetch_add(1, SeqCst);
            }
            Err(_) => barrier.reset(),
        }
    }

    /// The supervisor sets it every now and then.
    fn event(&mut self) {
        let event = &self.world.event;
        match self.random.below(8) {
            0 => event.set(),
            1..=4 => event.clear(),
            5 => event.wait(),
            _ => {
                let start = Instant::now();
                assert!(event.wait_timeout(SHORT) || start.elapsed() >= SHORT, "too early");
            }
        }
    }

    fn once(&mut self) {
        let which = self.random.below(ONCES);
        let result = self.world.onces[which].call_once(|| {
            let _stay = Stay::begin(self.world, self.number, Place::Once);
            (0..100).for_each(|_| spin_loop());
            self.world.done_once[which].fetch_add(1, SeqCst);
        });
        result.expect("nobody calls it inside itself");
        assert!(self.world.onces[which].is_completed());
        assert!(self.world.done_once[which].load(SeqCst) > 0);
    }
}

/// The stock, mended if somebody died with it in hand.
fn mended<'a>(
    result: Result<MutexGuard<'a, Stock>, LockError<MutexGuard<'a, Stock>>>,
) -> MutexGuard<'a, Stock> {
    result.or_else(|died| died.recover(Stock::mend)).expect("nothing but death")
}
