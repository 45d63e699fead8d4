use offspring::preload;

#[preload(timeout = "5s")]
fn warm() {}

fn main() {}
