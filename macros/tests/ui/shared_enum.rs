use offspring::shared;

#[shared]
enum Found {
    Nothing,
    One(u32),
    Many { all: Vec<u32> },
}

fn main() {}
