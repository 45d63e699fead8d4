//! What a copy of this process must not keep: its ends of connections and listeners, and its places on the rolls of queues.
//!
//! `StartMethod::Fork` copies every descriptor. A copy's end would keep the other side waiting for messages, for ever,
//! when the original is long gone; CPython has that hang. So each socket of ours is noted here, and a copy has, under
//! the same numbers, ends of nothing, where all is at its end. What a task is handed comes to it as a message, as under every
//! start method.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::parcel;
use crate::sys::{memfd, socket, standard};

struct Noted {
    all: Vec<Weak<OwnedFd>>,
    /// Those that are closed are thrown out when there are so many.
    sweep_at: usize,
}

static SOCKETS: Mutex<Noted> = Mutex::new(Noted::new());
static QUEUES: Mutex<Noted> = Mutex::new(Noted::new());

impl Noted {
    const fn new() -> Self {
        Self { all: Vec::new(), sweep_at: 64 }
    }

    fn note(&mut self, descriptor: &Arc<OwnedFd>) {
        if self.all.len() >= self.sweep_at {
            self.all.retain(|descriptor| descriptor.strong_count() > 0);
            self.sweep_at = 64.max(self.all.len() * 2);
        }
        self.all.push(Arc::downgrade(descriptor));
    }
}

/// Notes a socket as this process's own.
pub(super) fn note(socket: OwnedFd) -> Arc<OwnedFd> {
    let socket = Arc::new(socket);
    SOCKETS.lock().unwrap_or_else(PoisonError::into_inner).note(&socket);
    socket
}

/// Notes a queue's descriptor that is on its roll as this process's own.
pub(super) fn note_queue(descriptor: &Arc<OwnedFd>) {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner).note(descriptor);
}

/// In a forked copy of this process: lets go of what is the original's.
pub(crate) fn let_go() {
    parcel::let_go();
    let_go_of_queues();
    let mut sockets = SOCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    let noted = std::mem::take(&mut sockets.all);
    if noted.is_empty() {
        return;
    }
    // Without a descriptor for it, the copy keeps what it has: no worse than any fork.
    let Ok(dead) = socket::dead() else { return };
    for socket in noted.iter().filter_map(Weak::upgrade) {
        let _ = standard::overwrite(socket.as_fd(), dead.as_fd());
    }
}

/// They lead to the same queues, which can be used here as well; but only then does this process count as a holder
/// (`Users::note`), and the original does not for as long as this process lives.
fn let_go_of_queues() {
    let queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    for queue in queues.all.iter().filter_map(Weak::upgrade) {
        if let Ok(own) = memfd::reopen(queue.as_fd()) {
            let _ = standard::overwrite(queue.as_fd(), own.as_fd());
        }
    }
}
