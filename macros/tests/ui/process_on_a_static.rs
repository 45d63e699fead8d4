use offspring::process;

#[process]
static WORK: u32 = 1;

fn main() {}
