use offspring::process;

#[process]
struct Mailer;

#[process]
impl Mailer {
    fn run<T: Default>(self) {
        let _ = T::default();
    }
}

fn main() {}
