use offspring::message;

#[message]
struct Mail {
    to: &'static str,
}

fn main() {}
