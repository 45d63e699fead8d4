use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn send(self) {}
}

fn main() {}
