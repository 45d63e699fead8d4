use offspring::{message, preload, process, shared};

#[message(foo)]
struct Mail {
    to: String,
}

#[process(colour = "red", nice = 5)]
struct Mailer {
    to: String,
}

#[shared("x")]
struct Tally {
    n: u32,
}

#[preload(crate = offspring, foo(1))]
fn warm() {}

fn main() {}
