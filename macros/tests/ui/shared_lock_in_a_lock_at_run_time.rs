use offspring::Shared;
use offspring::sync::Mutex;

fn main() {
    let _ = Shared::new(Mutex::new(Some(Mutex::new(1))));
    let _ = Shared::from_fn(3, |_| Mutex::new((1, Mutex::new(1))));
}
