use offspring::process;

#[process(timeout)]
fn work() {}

fn main() {}
