use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: Vec<u32>,
}

fn main() {}
