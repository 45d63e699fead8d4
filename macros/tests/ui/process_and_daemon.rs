use offspring::{daemon, process};

#[process]
#[daemon]
fn report() {}

fn main() {}
