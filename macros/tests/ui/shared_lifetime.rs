use offspring::shared;

#[shared]
struct Tally<'a> {
    name: &'a str,
}

fn main() {}
