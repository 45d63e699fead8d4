use offspring::process;

#[process(nice = 5, nice = 6)]
fn work() {}

fn main() {}
