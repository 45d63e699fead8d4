use offspring::message;

#[message]
struct Job {
    work: fn(),
}

fn main() {}
