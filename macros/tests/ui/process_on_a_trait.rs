use offspring::process;

#[process]
trait Work {
    fn work(self);
}

fn main() {}
