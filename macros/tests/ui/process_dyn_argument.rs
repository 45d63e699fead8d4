use offspring::process;

#[process]
fn show(what: &dyn std::fmt::Display, boxed: Box<dyn std::fmt::Debug>) {
    println!("{what} {boxed:?}");
}

fn main() {}
