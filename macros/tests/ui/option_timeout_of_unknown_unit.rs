use offspring::process;

#[process(timeout = "5 parsecs")]
fn work() {}

fn main() {}
