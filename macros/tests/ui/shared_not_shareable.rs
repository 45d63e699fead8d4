use offspring::shared;

struct Plain;

#[shared]
struct Tally {
    n: u32,
    field: Plain,
}

fn main() {}
