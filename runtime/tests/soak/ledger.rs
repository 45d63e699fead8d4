//! Data whose changes can be finished by whoever finds them half done: a sum, its parts, and a note of what is going on.

use std::hint::black_box;

use offspring::shared;

use crate::world::WORKERS;

/// A sum and its parts, one for each worker.
#[shared]
#[derive(Debug)]
pub(crate) struct Ledger {
    total: u64,
    parts: [u64; WORKERS],
    /// What is being added to: the number of the part and 1, and total and part as they were; or 0.
    journal: [u64; 3],
}

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self { total: 0, parts: [0; WORKERS], journal: [0; 3] }
    }

    /// One more, by this worker. Its process may die at any of these lines.
    pub(crate) fn add(&mut self, worker: usize) {
        // The compiler must leave the stores in this order.
        self.journal[1] = self.total;
        self.journal[2] = self.parts[worker];
        black_box(&mut *self).journal[0] = worker as u64 + 1;
        black_box(&mut *self).total += 1;
        black_box(&mut *self).parts[worker] += 1;
        black_box(&mut *self).journal[0] = 0;
    }

    /// Finishes what a dead one had begun.
    pub(crate) fn mend(&mut self) {
        if let Some(worker) = self.journal[0].checked_sub(1) {
            self.total = self.journal[1] + 1;
            self.parts[worker as usize] = self.journal[2] + 1;
            black_box(&mut *self).journal[0] = 0;
        }
    }

    /// Nothing is half done, and the sum is right.
    #[track_caller]
    pub(crate) fn check(&self) {
        let ledger = black_box(self);
        assert_eq!(ledger.journal[0], 0, "half done, and nobody said so: {ledger:?}");
        assert_eq!(ledger.total, ledger.parts.iter().sum::<u64>(), "{ledger:?}");
    }

    /// What each worker has added: what it has counted itself, but for those that it could not count any more.
    #[track_caller]
    pub(crate) fn check_against(&self, counted: &[u64; WORKERS], deaths: &[u64; WORKERS]) {
        self.check();
        for ((part, counted), deaths) in self.parts.iter().zip(counted).zip(deaths) {
            assert!((*counted..=counted + deaths).contains(part), "{self:?}, but {counted:?}");
        }
    }
}

/// What came in, and what went out.
#[shared]
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) put: Ledger,
    pub(crate) taken: Ledger,
}

impl Stock {
    pub(crate) const fn new() -> Self {
        Self { put: Ledger::new(), taken: Ledger::new() }
    }

    /// How much there is.
    pub(crate) fn left(&self) -> u64 {
        self.put.total - self.taken.total
    }

    /// Finishes what a dead one had begun.
    pub(crate) fn mend(&mut self) {
        self.put.mend();
        self.taken.mend();
    }

    /// Nothing is half done, and no more went out than came in.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.put.check();
        self.taken.check();
        assert!(self.taken.total <= self.put.total, "{self:?}");
    }
}
