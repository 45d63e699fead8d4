use offspring::process;

trait Run {
    fn run(self);
}

#[process]
struct Mailer;

#[process]
impl Run for Mailer {
    fn run(self) {}
}

fn main() {}
