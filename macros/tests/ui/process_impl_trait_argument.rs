use offspring::process;

#[process]
fn show(what: impl std::fmt::Display) {
    println!("{what}");
}

fn main() {}
