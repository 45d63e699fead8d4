use offspring::process;

#[process]
unsafe fn poke(address: usize) {
    let _ = address;
}

fn main() {}
