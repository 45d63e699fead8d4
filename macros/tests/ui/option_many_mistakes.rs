use offspring::process;

#[process(timeout = 5, nice = 99, colour = "red", start = "magic")]
fn work() {}

fn main() {}
