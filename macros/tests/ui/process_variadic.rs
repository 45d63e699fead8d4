use offspring::process;

#[process]
unsafe extern "C" fn print(format: u32, rest: ...) {
    let _ = format;
}

fn main() {}
