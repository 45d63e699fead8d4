use offspring::preload;

struct Cache;

impl Cache {
    #[preload]
    fn warm(&self) {}
}

fn main() {}
