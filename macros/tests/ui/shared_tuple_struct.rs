use offspring::shared;

#[shared]
struct Tally(u32, String);

fn main() {}
