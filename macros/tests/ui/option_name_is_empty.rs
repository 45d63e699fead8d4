use offspring::process;

#[process(name = "")]
fn work() {}

fn main() {}
