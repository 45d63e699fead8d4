use offspring::process;

struct Mailer;

impl Mailer {
    #[process]
    fn send(&self, to: &str) {
        let _ = to;
    }
}

fn main() {}
