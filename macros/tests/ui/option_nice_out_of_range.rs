use offspring::process;

#[process(nice = 20)]
fn work() {}

fn main() {}
