use offspring::daemon;

#[daemon(backoff = "5s..100ms")]
fn work() {}

fn main() {}
