use offspring::preload;

#[preload]
async fn warm() {}

fn main() {}
