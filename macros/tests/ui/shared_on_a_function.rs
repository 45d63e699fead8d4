use offspring::shared;

#[shared]
fn work() {}

fn main() {}
