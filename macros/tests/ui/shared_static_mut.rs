use offspring::shared;

#[shared]
static mut HITS: u64 = 0;

fn main() {}
