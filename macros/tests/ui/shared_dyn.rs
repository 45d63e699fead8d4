use offspring::shared;

struct Wrap<T: ?Sized>(T);

#[shared]
struct Tally {
    n: u32,
    field: Wrap<dyn Send>,
}

fn main() {}
