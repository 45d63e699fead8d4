use offspring::process;

struct Mailer;

impl Mailer {
    #[process]
    fn start(n: u32) -> u32 {
        n
    }
}

fn main() {}
