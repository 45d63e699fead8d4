use offspring::process;

#[process]
fn sum(numbers: *const u32, len: usize) {
    let _ = (numbers, len);
}

fn main() {}
