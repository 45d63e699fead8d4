use offspring::process;

trait Work {
    #[process]
    fn work(n: u32);
}

fn main() {}
