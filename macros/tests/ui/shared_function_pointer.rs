use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: fn(u32) -> u32,
}

fn main() {}
