//! What these tests share: a body under each start method, children that are killed, waits for events.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use offspring::{JoinError, Process};

#[macro_use]
#[path = "../process/support.rs"]
#[allow(dead_code, unused_macros, reason = "the tests of processes use the rest")]
mod processes;

#[allow(unused_imports, reason = "some are for the macro")]
pub(crate) use processes::{
    DEADLINE, StartMethod, listen, open_descriptors, run, set_start_method, sleep, state, until,
};

/// Long enough for whoever is going to do a wrong thing to have done it; nothing that is right takes so long.
pub(crate) const A_WHILE: Duration = Duration::from_millis(100);

/// To look, and not to wait.
pub(crate) const NOW: Option<Duration> = Some(Duration::ZERO);

/// For what comes, unless the test fails.
pub(crate) const SOON: Option<Duration> = Some(DEADLINE);

/// Waits until the thread with this id (a process's own, for its first) sleeps in the kernel.
#[track_caller]
pub(crate) fn until_asleep(thread: u32) {
    until(|| state(thread) == Some('S'));
}

/// Kills it with SIGKILL, and waits until it is gone.
#[track_caller]
pub(crate) fn kill<T>(process: Process<T>) {
    process.kill().unwrap();
    let ended = process.join().map(|_| ());
    assert!(matches!(ended, Err(JoinError::Signaled { .. })), "{ended:?}");
}

/// Two ends of a connection; one byte is on its way to the first.
pub(crate) fn with_byte() -> (UnixStream, UnixStream) {
    let (one, mut other) = UnixStream::pair().unwrap();
    other.write_all(b"!").unwrap();
    (one, other)
}
