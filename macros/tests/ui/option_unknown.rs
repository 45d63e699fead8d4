use offspring::process;

#[process(color = "red")]
fn work() {}

fn main() {}
