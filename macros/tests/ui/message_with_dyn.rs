use offspring::message;

#[message]
struct Job {
    work: Box<dyn Fn() + Send>,
}

fn main() {}
