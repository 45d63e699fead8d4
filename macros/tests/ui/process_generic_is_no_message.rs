use offspring::process;

#[process]
fn largest<T: Ord>(of: Vec<T>) -> u32 {
    of.into_iter().max().map_or(0, |_| 1)
}

fn main() {}
