use offspring::process;

#[process]
fn u64() -> u32 {
    64
}

fn main() {}
