use offspring::process;

#[process(crate = "offspring")]
fn work() {}

fn main() {}
