use offspring::process;

#[process("5s")]
fn work() {}

fn main() {}
