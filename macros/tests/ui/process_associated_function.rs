use offspring::process;

struct Mailer;

impl Mailer {
    #[process]
    fn start(n: u32) -> Self {
        let _ = n;
        Self
    }
}

fn main() {}
