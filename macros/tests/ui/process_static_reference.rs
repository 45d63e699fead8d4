use offspring::process;

#[process]
fn show(text: &'static str) {
    println!("{text}");
}

fn main() {}
