use offspring::process;

struct Mailer;

#[process]
impl Mailer {
    fn run(self) {}
}

fn main() {}
