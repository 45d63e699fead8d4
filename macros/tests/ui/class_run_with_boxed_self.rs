use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn run(self: Box<Self>) {}
}

fn main() {}
