use offspring::process;

#[process(start = "thread")]
fn work() {}

fn main() {}
