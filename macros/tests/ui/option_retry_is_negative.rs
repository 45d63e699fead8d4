use offspring::process;

#[process(retry = -1)]
fn work() {}

fn main() {}
