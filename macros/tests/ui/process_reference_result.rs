use offspring::process;

#[process]
fn first(words: &[String]) -> &str {
    &words[0]
}

fn main() {}
