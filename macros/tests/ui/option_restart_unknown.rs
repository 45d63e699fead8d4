use offspring::daemon;

#[daemon(restart = "sometimes")]
fn work() {}

fn main() {}
