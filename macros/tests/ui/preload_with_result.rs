use offspring::preload;

#[preload]
fn warm() -> u32 {
    1
}

fn main() {}
