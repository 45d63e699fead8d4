use offspring::process;

#[process(memory = "lots")]
fn work() {}

fn main() {}
