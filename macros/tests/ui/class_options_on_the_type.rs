use offspring::process;

#[process(nice = 5)]
struct Mailer;

fn main() {}
