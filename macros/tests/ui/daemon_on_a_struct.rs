use offspring::daemon;

#[daemon]
struct Mailer;

fn main() {}
