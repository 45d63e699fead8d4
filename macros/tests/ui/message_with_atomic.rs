use std::cell::RefCell;
use std::sync::atomic::AtomicU64;
use std::sync::Mutex;

use offspring::{Shared, message, process};

#[message]
struct Ctx {
    hits: AtomicU64,
    right: Shared<AtomicU64>,
    #[serde(skip)]
    skipped: AtomicU64,
}

#[message]
enum Step {
    One(Mutex<u32>),
    Many { all: Vec<RefCell<u32>> },
}

#[process]
struct Worker {
    count: AtomicU64,
}

#[process]
impl Worker {
    fn run(self) {}
}

fn main() {}
