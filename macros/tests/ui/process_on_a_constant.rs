use offspring::process;

#[process]
const WORK: u32 = 1;

fn main() {}
