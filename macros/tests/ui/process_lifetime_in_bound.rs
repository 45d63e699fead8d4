use offspring::process;

#[process]
fn parse<'a, T: From<&'a str>>(text: &'a str) {
    let _ = T::from(text);
}

fn main() {}
