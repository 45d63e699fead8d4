use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    async fn run(self) {}
}

fn main() {}
