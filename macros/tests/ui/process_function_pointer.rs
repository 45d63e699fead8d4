use offspring::process;

#[process]
fn apply(work: fn(u32) -> u32, n: u32) -> u32 {
    work(n)
}

fn main() {}
