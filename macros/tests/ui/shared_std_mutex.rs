use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: std::sync::Mutex<u32>,
}

fn main() {}
