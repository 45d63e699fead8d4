use offspring::daemon;

#[daemon(within = 10)]
fn work() {}

fn main() {}
