//! Four processes, a million increments each, and all of them are there.

use nix::sys::wait::{WaitStatus, waitpid};
use offspring::Shared;
use offspring::sync::Mutex;

use crate::supervisor::child;

const PROCESSES: u64 = 4;
const EACH: u64 = 1_000_000;

pub(crate) fn run() {
    let total = Shared::new(Mutex::new(0_u64)).expect("memory");
    let add = || (0..EACH).for_each(|_| *total.lock().expect("nobody dies") += 1);
    let children: Vec<_> = (0..PROCESSES).map(|_| child(add)).collect();
    for pid in children {
        assert_eq!(waitpid(pid, None).expect("a child of ours"), WaitStatus::Exited(pid, 0));
    }
    assert_eq!(*total.lock().expect("nobody died"), PROCESSES * EACH);
    println!("{PROCESSES} processes made {EACH} increments each, and all are there");
}
