//! Whoever waits for nothing that comes uses no processor.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use offspring::{Event, Queue, process, select};

use crate::support::SOON;

/// How many milliseconds of a processor this process has used.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds()
}

/// Waits for an event, in one of three ways, and says how much it has used meanwhile.
#[process]
fn wait(event: &Event, queue: &Queue<u32>, way: u32) -> i64 {
    let (socket, _other) = UnixStream::pair().unwrap();
    let child = wait_plainly::spawn(event).unwrap();
    let before = used();
    let ready = match way {
        0 => select(&[queue, event], SOON),
        1 => select(&[&socket, &child], SOON),
        _ => select(&[queue, &socket, event], SOON),
    };
    assert!(!ready.unwrap().is_empty());
    used() - before
}

#[process]
fn wait_plainly(event: &Event) {
    event.wait();
}

/// What is allowed is a twentieth of what looking all the time would use.
#[test]
fn an_idle_wait_uses_no_processor() {
    let (event, queue) = (Event::new().unwrap(), Queue::new().unwrap());
    let waiters = [0, 1, 2].map(|way| wait::spawn(&event, &queue, way).unwrap());
    thread::sleep(Duration::from_secs(2));
    event.set();
    for (way, waiter) in waiters.into_iter().enumerate() {
        let used = waiter.join().unwrap();
        assert!(used <= 100, "way {way} used {used} ms");
    }
}
