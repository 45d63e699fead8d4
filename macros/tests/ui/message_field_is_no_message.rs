use offspring::message;

struct Stamp;

#[message]
struct Mail {
    stamp: Stamp,
}

fn main() {}
