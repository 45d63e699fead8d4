use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: *const u32,
}

fn main() {}
