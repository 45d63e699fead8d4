use std::fs::File;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use offspring::message;

#[message]
struct Job {
    config: Arc<String>,
    list: Arc<Mutex<Vec<u32>>>,
    file: File,
    reply: Sender<u32>,
    since: Instant,
    key: [u8; 64],
}

fn main() {}
