use offspring::process;

#[process(timeout = 5)]
fn work() {}

fn main() {}
