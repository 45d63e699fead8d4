use offspring::process;

#[process]
fn show(#[cfg(unix)] text: &str) {
    println!("{text}");
}

fn main() {}
