use offspring::shared;

#[shared]
struct Pair<T> {
    both: [T; 2],
}

fn needs<T: offspring::Shareable>() {}

fn use_it() {
    needs::<Pair<u32>>();
    needs::<Pair<String>>();
}

fn main() {}
