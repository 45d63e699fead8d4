use offspring::process;

#[process]
fn show(title: Option<&str>, lines: Vec<&str>) {
    println!("{title:?} {lines:?}");
}

fn main() {}
