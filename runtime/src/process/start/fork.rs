//! A copy of this process as it is now.

use std::io::{ErrorKind, Write as _};

use super::super::family::{self, Born};
use super::super::{child, keeper, names, panic};
use super::forkserver;
use crate::channel::copies;
use crate::collections::{array, sign_for_copy};
use crate::memory::{named, statics};
use crate::sys::clone::{Alone, Forked, NotAlone};
use crate::sys::{args, robust, signal, socket, standard};
use crate::{Error, Result};

/// Forks a child that waits for its task.
///
/// # Errors
/// [`Error::ForkWithThreads`] when other threads run, [`Error::ForkWithLock`], [`Error::System`].
pub(crate) fn take() -> Result<Born> {
    // Our own helper thread would be counted, and missing in the copy.
    let paused = keeper::pause();
    let born = fork();
    drop(paused);
    born
}

fn fork() -> Result<Born> {
    let alone = Alone::check().map_err(|reason| match reason {
        NotAlone::Threads(threads) => Error::ForkWithThreads { threads },
        NotAlone::Unknown(error) if error.kind() == ErrorKind::NotFound => Error::NoProc,
        NotAlone::Unknown(error) => Error::system("count the threads of this process")(error),
    })?;
    if robust::holds_any() {
        return Err(Error::ForkWithLock);
    }
    // The copy inherits the mapping of what is there; what is not, it would make for itself.
    statics::descriptor()?;
    let (mine, theirs) = socket::pair().map_err(Error::system("open a socket"))?;
    // What is buffered here would otherwise be written by both.
    let _ = std::io::stdout().flush();
    // A signal in between would find the original's handlers in the copy; the copy lets them through
    // once it has forgotten those.
    let forked = signal::with_all_blocked(|| alone.fork());
    match forked.map_err(Error::system("start a process"))? {
        Forked::Parent { pid, pidfd } => Ok(Born { pid, pidfd, socket: mine }),
        Forked::Child => {
            drop(mine);
            become_own_process();
            child::live(theirs)
        }
    }
}

/// Leaves behind what belongs to the original: its children, its connections, its names, its server, its handlers.
fn become_own_process() {
    family::forget_all();
    copies::let_go();
    array::let_go();
    sign_for_copy();
    named::let_go();
    forkserver::forget();
    names::forget();
    args::detach();
    signal::forget_handlers();
    signal::unblock_all();
    signal::ignore(libc::SIGPIPE);
    standard::fill_closed();
    standard::close_input();
    panic::install_hook();
}
