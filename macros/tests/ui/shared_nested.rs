use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: Option<[(u8, String); 4]>,
}

fn main() {}
