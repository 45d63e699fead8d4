//! What a copy of this process must not keep: the ranges of arrays that are lent to the original, or to a message of it.
//!
//! `StartMethod::Fork` copies every descriptor, and a range is somebody's until its last descriptor is closed: a copy that
//! lives on would have what its original had when it died. So each such descriptor is noted here, and a copy has, under the same
//! numbers, others of the same memory that have nothing.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::sys::{memfd, standard};

struct Noted {
    all: Vec<Weak<OwnedFd>>,
    /// Those that are closed are thrown out when there are so many.
    sweep_at: usize,
}

static NOTED: Mutex<Noted> = Mutex::new(Noted { all: Vec::new(), sweep_at: 64 });

/// Notes a descriptor that is going to have a range.
pub(super) fn note(descriptor: OwnedFd) -> Arc<OwnedFd> {
    let descriptor = Arc::new(descriptor);
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.all.len() >= noted.sweep_at {
        noted.all.retain(|descriptor| descriptor.strong_count() > 0);
        noted.sweep_at = 64.max(noted.all.len() * 2);
    }
    noted.all.push(Arc::downgrade(&descriptor));
    descriptor
}

/// In a forked copy of this process: lets go of what is the original's.
pub(crate) fn let_go() {
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    for descriptor in noted.all.drain(..).filter_map(|noted| noted.upgrade()) {
        // Without a descriptor for it, the copy keeps what it has: no worse than any fork.
        if let Ok(own) = memfd::reopen(descriptor.as_fd()) {
            let _ = standard::overwrite(descriptor.as_fd(), own.as_fd());
        }
    }
}
