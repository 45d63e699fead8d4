use offspring::process;

#[process]
#[offspring::daemon]
fn report() {}

fn main() {}
