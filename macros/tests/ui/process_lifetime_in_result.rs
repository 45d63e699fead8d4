use std::borrow::Cow;

use offspring::process;

#[process]
fn tidy<'a>(text: &'a str) -> Cow<'a, str> {
    text.trim().into()
}

fn main() {}
