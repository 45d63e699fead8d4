use offspring::process;

struct Mailer<'a> {
    to: &'a str,
}

#[process]
impl<'a> Mailer<'a> {
    fn run(self) {
        let _ = self.to;
    }
}

fn main() {}
