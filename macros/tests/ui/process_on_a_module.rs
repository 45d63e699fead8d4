use offspring::process;

#[process]
mod tasks {}

fn main() {}
