use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    #[process]
    fn run(self) {}
}

fn main() {}
