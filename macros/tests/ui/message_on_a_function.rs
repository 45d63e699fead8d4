use offspring::message;

#[message]
fn work() {}

fn main() {}
