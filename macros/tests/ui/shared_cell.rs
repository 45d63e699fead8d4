use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: std::cell::Cell<u32>,
}

fn main() {}
