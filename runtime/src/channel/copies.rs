//! What a copy of this process must not keep: its ends of connections and listeners.
//!
//! `StartMethod::Fork` copies every descriptor. A copy's end would keep the other side waiting for messages, for ever,
//! when the original is long gone; CPython has that hang. So each socket of ours is noted here, and a copy has, under
//! the same numbers, ends of nothing, where all is at its end. What a task is handed comes to it as a message, as under every
//! start method.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::sys::{socket, standard};

struct Sockets {
    noted: Vec<Weak<OwnedFd>>,
    /// Those that are closed are thrown out when there are so many.
    sweep_at: usize,
}

static SOCKETS: Mutex<Sockets> = Mutex::new(Sockets { noted: Vec::new(), sweep_at: 64 });

/// Notes a socket as this process's own.
pub(super) fn note(socket: OwnedFd) -> Arc<OwnedFd> {
    let socket = Arc::new(socket);
    let mut sockets = SOCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    if sockets.noted.len() >= sockets.sweep_at {
        sockets.noted.retain(|socket| socket.strong_count() > 0);
        sockets.sweep_at = 64.max(sockets.noted.len() * 2);
    }
    sockets.noted.push(Arc::downgrade(&socket));
    socket
}

/// In a forked copy of this process: lets go of the original's sockets.
pub(crate) fn let_go() {
    let mut sockets = SOCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    let noted = std::mem::take(&mut sockets.noted);
    if noted.is_empty() {
        return;
    }
    // Without a descriptor for it, the copy keeps what it has: no worse than any fork.
    let Ok(dead) = socket::dead() else { return };
    for socket in noted.iter().filter_map(Weak::upgrade) {
        let _ = standard::overwrite(socket.as_fd(), dead.as_fd());
    }
}
