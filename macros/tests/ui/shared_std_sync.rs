use offspring::shared;
use std::sync::{Barrier, Condvar, RwLock};

#[shared]
struct Named {
    lock: std::sync::RwLock<u32>,
    condition: std::sync::Condvar,
    barrier: std::sync::Barrier,
    once: std::sync::Once,
    cell: std::sync::OnceLock<u32>,
}

#[shared]
struct Imported {
    lock: RwLock<u32>,
    condition: Condvar,
    barrier: Barrier,
}

#[shared]
struct Handles {
    lock: offspring::Lock,
    memory: offspring::Shared<u32>,
    condition: Option<offspring::Condition>,
}

fn main() {}
