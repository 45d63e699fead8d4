//! The end of a process that has children: daemons are terminated, the others joined.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::family::{self, Child};
use super::{keeper, start};
use crate::sys::{clone, oom};

/// What a daemon gets between the question to end and the end.
const GRACE: Duration = Duration::from_secs(1);

/// Has [`end_family`] run when this process returns from `main` or calls `exit`.
pub(crate) fn arm() {
    static ARMED: AtomicBool = AtomicBool::new(false);
    if !ARMED.swap(true, Relaxed) {
        oom::watch();
        clone::at_exit(on_exit);
    }
}

extern "C" fn on_exit() {
    // Nothing may unwind into the C library.
    let _ = std::panic::catch_unwind(end_family);
}

/// Ends what this process has started: daemons asked, then killed; the others waited for, however
/// long they take; the fork server dismissed. A second call finds nothing left to do.
///
/// Killed in the middle, the kernel does the daemons' part and the server notices by itself.
pub(crate) fn end_family() {
    keeper::stop();
    let (daemons, others): (Vec<_>, Vec<_>) =
        family::all().into_iter().partition(|child| child.info.daemon);
    end_daemons(&daemons);
    wait_for(&others);
    // Threads that are still running may have started more meanwhile.
    while let Some(child) = family::all().first() {
        if child.info.daemon {
            let _ = child.signal(libc::SIGKILL);
        }
        if child.wait(None).is_err() {
            break;
        }
    }
    start::forkserver::dismiss();
}

fn end_daemons(daemons: &[Arc<Child>]) {
    for daemon in daemons {
        let _ = daemon.signal(libc::SIGTERM);
        // A stopped one can hear only when it goes on.
        let _ = daemon.signal(libc::SIGCONT);
    }
    if daemons.is_empty() {
        return;
    }
    let deadline = Instant::now() + GRACE;
    for daemon in daemons {
        if !matches!(daemon.wait(Some(deadline)), Ok(Some(_))) {
            let _ = daemon.signal(libc::SIGKILL);
            let _ = daemon.wait(Some(Instant::now() + GRACE));
        }
    }
}

fn wait_for(children: &[Arc<Child>]) {
    for child in children {
        let _ = child.wait(None);
    }
}
