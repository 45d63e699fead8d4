use offspring::process;

#[process(daemon, restart = "always", max_restarts = 3)]
fn work() {}

fn main() {}
