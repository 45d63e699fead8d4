//! Waiting for descriptors until a moment on the monotonic clock: ppoll(2).

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, Result};

/// Why descriptors cannot be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What stands at this position is not open.
    NotOpen(usize),
    System(Errno),
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotOpen(position) => Self::new(
                io::ErrorKind::InvalidInput,
                format!("the descriptor at position {position} is not open"),
            ),
            Refused::System(errno) => errno.into(),
        }
    }
}

/// Waits until one of them is readable or at its end, or until the deadline; positions in order.
///
/// Interruptions by signals are waited through, the deadline kept.
pub(crate) fn wait(
    descriptors: &[BorrowedFd<'_>],
    deadline: Option<Instant>,
) -> std::result::Result<Vec<usize>, Refused> {
    let mut polled: Vec<_> =
        descriptors.iter().map(|descriptor| PollFd::new(descriptor, PollFlags::IN)).collect();
    poll_until(&mut polled, deadline).map_err(Refused::System)?;
    let mut ready = Vec::new();
    for (position, entry) in polled.iter().enumerate() {
        if entry.revents().contains(PollFlags::NVAL) {
            return Err(Refused::NotOpen(position));
        }
        if !entry.revents().is_empty() {
            ready.push(position);
        }
    }
    Ok(ready)
}

/// As [`wait`] for one descriptor, without an allocation: whether it is ready.
pub(crate) fn wait_one(descriptor: BorrowedFd<'_>, deadline: Option<Instant>) -> Result<bool> {
    let mut polled = [PollFd::new(&descriptor, PollFlags::IN)];
    poll_until(&mut polled, deadline)?;
    Ok(!polled[0].revents().is_empty())
}

/// Waits until the descriptor can be written to, or never again.
pub(crate) fn wait_writable(descriptor: BorrowedFd<'_>) -> Result<()> {
    poll_until(&mut [PollFd::new(&descriptor, PollFlags::OUT)], None)
}

/// Whether the descriptor is readable or at its end, now.
pub(crate) fn is_ready(descriptor: BorrowedFd<'_>) -> bool {
    wait_one(descriptor, Some(Instant::now())).unwrap_or(false)
}

/// Whether nobody has the other end of a socket any more.
pub(crate) fn is_hung_up(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(&descriptor, PollFlags::empty())];
    poll_until(&mut polled, Some(Instant::now())).is_ok()
        && polled[0].revents().contains(PollFlags::HUP)
}

fn poll_until(polled: &mut [PollFd<'_>], deadline: Option<Instant>) -> Result<()> {
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.map(timespec);
        match poll(polled, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            // ppoll may round down to the clock's tick: only the clock says that time is up.
            Ok(0) if deadline.is_some_and(|at| Instant::now() < at) => {}
            other => return other.map(drop),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
