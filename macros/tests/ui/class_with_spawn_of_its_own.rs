use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn run(self) {}

    fn spawn(self) {}
}

fn main() {}
