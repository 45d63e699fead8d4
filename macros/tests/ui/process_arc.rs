use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use offspring::process;

struct Config;

#[process]
fn count(config: Arc<Config>, hits: Arc<AtomicU64>, list: &Arc<Mutex<Vec<u64>>>) {
    let _ = (config, hits, list);
}

#[process]
fn texts(text: Rc<str>, list: Arc<[u64]>, job: Arc<dyn Fn() + Send + Sync>) -> Arc<str> {
    let _ = (list, job);
    text.as_ref().into()
}

fn main() {}
