use offspring::process;

#[process]
fn add(total: &mut u64, n: u64) {
    *total += n;
}

fn main() {}
