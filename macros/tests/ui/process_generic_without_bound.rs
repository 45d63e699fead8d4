use offspring::process;

#[process]
fn first<T>(of: &[T], n: usize) -> usize
where
    T: Clone,
{
    of.len() + n
}

fn main() {}
