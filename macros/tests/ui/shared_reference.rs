use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: &'static str,
}

fn main() {}
