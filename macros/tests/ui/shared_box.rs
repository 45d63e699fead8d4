use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: Box<u32>,
}

fn main() {}
