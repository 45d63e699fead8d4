use offspring::daemon;

#[daemon(backoff = "5s")]
fn work() {}

fn main() {}
