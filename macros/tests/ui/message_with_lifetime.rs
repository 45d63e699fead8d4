use std::borrow::Cow;

use offspring::message;

#[message]
struct Mail<'a> {
    to: Cow<'a, str>,
}

fn main() {}
