use offspring::daemon;

#[daemon(daemon)]
fn work() {}

fn main() {}
