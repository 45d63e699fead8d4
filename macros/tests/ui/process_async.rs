use offspring::process;

#[process]
async fn fetch(url: &str) -> String {
    url.to_owned()
}

fn main() {}
