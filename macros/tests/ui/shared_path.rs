use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: std::path::PathBuf,
}

fn main() {}
