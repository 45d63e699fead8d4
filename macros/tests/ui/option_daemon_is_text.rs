use offspring::process;

#[process(daemon = "yes")]
fn work() {}

fn main() {}
