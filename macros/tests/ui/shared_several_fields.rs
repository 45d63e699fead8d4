use offspring::shared;

#[shared]
struct Tally {
    name: String,
    lines: Vec<String>,
    next: Box<Tally>,
}

fn main() {}
