use offspring::process;

#[process]
fn apply<F: Fn(u32) -> u32>(work: F, n: u32) -> u32 {
    work(n)
}

fn main() {}
