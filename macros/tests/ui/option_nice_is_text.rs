use offspring::process;

#[process(nice = "high")]
fn work() {}

fn main() {}
