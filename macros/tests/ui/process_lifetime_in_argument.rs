use std::borrow::Cow;

use offspring::process;

#[process]
fn show<'a>(text: Cow<'a, str>) {
    println!("{text}");
}

fn main() {}
