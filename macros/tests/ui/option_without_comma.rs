use offspring::process;

#[process(nice = 5 daemon)]
fn work() {}

fn main() {}
