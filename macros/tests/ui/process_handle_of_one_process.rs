use std::fs::File;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::Instant;

use offspring::process;

#[process]
fn channels(from: Receiver<u32>, to: Sender<u32>, bounded: &SyncSender<u32>) {
    let _ = (from, to, bounded);
}

#[process]
fn files(file: File, other: &std::fs::File, socket: &TcpStream, fd: OwnedFd) {
    let _ = (file, other, socket, fd);
}

#[process]
fn threads(thread: JoinHandle<u32>) {
    let _ = thread;
}

#[process]
fn times(since: Instant, guard: std::sync::MutexGuard<'_, u32>) {
    let _ = (since, guard);
}

#[process]
fn results() -> Result<File, String> {
    Err(String::new())
}

fn main() {}
