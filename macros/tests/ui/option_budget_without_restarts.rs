use offspring::daemon;

#[daemon(restart = "never", max_restarts = 5)]
fn work() {}

fn main() {}
