use std::sync::atomic::{AtomicBool, AtomicU64};

use offspring::{Shared, daemon, process};

#[process]
fn lent(n: &AtomicU64) {
    let _ = n;
}

#[process]
fn whole(n: std::sync::atomic::AtomicUsize) {
    let _ = n;
}

#[process]
fn nested(many: &[AtomicU64], list: Vec<AtomicU64>, maybe: Option<AtomicU64>, pair: (u8, AtomicU64)) {
    let _ = (many, list, maybe, pair);
}

#[process]
fn given() -> AtomicU64 {
    AtomicU64::new(1)
}

#[daemon]
fn watch(stop: &AtomicBool) {
    let _ = stop;
}

#[process]
fn right(n: &Shared<AtomicU64>, many: &Shared<[AtomicU64]>, marker: std::marker::PhantomData<AtomicU64>) {
    let _ = (n, many, marker);
}

fn main() {}
