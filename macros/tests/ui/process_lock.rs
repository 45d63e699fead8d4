use std::cell::{Cell, RefCell};
use std::sync::{Mutex, OnceLock, RwLock};

use offspring::{Shared, process};

#[process]
fn add(list: &Mutex<Vec<u64>>, map: &RwLock<u64>) {
    let _ = (list, map);
}

#[process]
fn ours(n: &offspring::sync::Mutex<u64>, right: &Shared<offspring::sync::Mutex<u64>>) {
    let _ = (n, right);
}

#[process]
fn one(cell: &Cell<u64>, other: RefCell<String>, once: &OnceLock<String>) -> Mutex<u64> {
    let _ = (cell, other, once);
    Mutex::new(1)
}

#[process]
fn wakes(condition: &std::sync::Condvar) {
    let _ = condition;
}

fn main() {}
