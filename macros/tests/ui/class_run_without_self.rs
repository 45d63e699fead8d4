use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn run() {}
}

fn main() {}
