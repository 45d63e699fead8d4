use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: String,
}

fn main() {}
