use std::collections::HashMap;

use offspring::shared;

#[shared]
struct Tally {
    n: u32,
    field: HashMap<String, u32>,
}

fn main() {}
