use offspring::shared;

#[shared]
struct Tally {
    n: u32,
}

impl Drop for Tally {
    fn drop(&mut self) {}
}

fn main() {}
