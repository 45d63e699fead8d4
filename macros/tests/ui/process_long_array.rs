use offspring::{Shared, process};

#[process]
fn sum(all: [u64; 1000], key: &[u8; 33], right: [u8; 32]) -> [u8; 64] {
    let _ = (all, key, right);
    [0; 64]
}

#[process]
fn right(all: &Shared<[u64; 1000]>) {
    let _ = all;
}

fn main() {}
