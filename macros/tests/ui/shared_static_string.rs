use offspring::shared;

#[shared]
static NAME: String = String::new();

fn main() {}
