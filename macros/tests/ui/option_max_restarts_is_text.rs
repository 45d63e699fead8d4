use offspring::daemon;

#[daemon(max_restarts = "five")]
fn work() {}

fn main() {}
