use offspring::message;

#[message(nice = 5)]
struct Mail {
    to: String,
}

fn main() {}
