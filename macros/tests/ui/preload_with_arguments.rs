use offspring::preload;

#[preload]
fn warm(path: &str) {
    let _ = path;
}

fn main() {}
