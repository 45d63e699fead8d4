use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: std::sync::Arc<u32>,
}

fn main() {}
