//! Names of processes: the task's with a number, counted for each task.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

static COUNTS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// Counts from the start again, as a new process does.
pub(crate) fn forget() {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// `count-1`, then `count-2`, …
pub(crate) fn next(base: &'static str) -> String {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(base).or_default();
    *count += 1;
    format!("{base}-{count}")
}
