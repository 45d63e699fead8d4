use offspring::preload;

#[preload]
fn warm<T: Default>() {
    let _ = T::default();
}

fn main() {}
