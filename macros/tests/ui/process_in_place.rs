use offspring::sync::Semaphore;
use offspring::process;

#[process]
fn sing(booth: &Semaphore) {
    booth.acquire().forget();
}

#[process]
fn meet(at: &std::sync::Barrier) {
    at.wait();
}

fn main() {}
