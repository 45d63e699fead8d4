use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn run(self, to: String) {
        let _ = to;
    }
}

fn main() {}
