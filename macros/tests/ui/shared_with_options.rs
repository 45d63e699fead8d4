use offspring::shared;

#[shared(name = "tally")]
struct Tally {
    n: u32,
}

fn main() {}
