//! The first words between this process and one that it has exec'ed.
//!
//! The other side may hang before it reaches the library (a constructor of the user's), crash, be
//! killed, or be another program by mistake. Each is a typed error within a bounded time, and nothing
//! of it is left behind.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use super::super::family::Born;
use crate::sys::{args, exec, image, pidfd, poll, socket};
use crate::wire::frame::{self, Frame, Kind};
use crate::{Error, Result};

/// How long a program may take from exec to the library's constructor.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Starts the executable again in the given role and hears its hello.
///
/// # Errors
/// [`Error::NoProc`], [`Error::System`] when it cannot be started, [`Error::Handshake`].
pub(crate) fn start(role: super::super::init::Role) -> Result<Born> {
    if !args::are_known() {
        return Err(Error::NotLinked { task: "offspring".to_owned() });
    }
    if !exec::is_possible() {
        return Err(Error::NoProc);
    }
    let (socket, theirs) = socket::pair().map_err(Error::system("open a socket"))?;
    let (pid, pidfd) = exec::again(&role.marker(theirs.as_fd()), theirs.as_fd())
        .map_err(Error::system("start the executable again"))?;
    drop(theirs);
    let born = Born { pid, pidfd, socket };
    let build = image::build_id().to_ne_bytes();
    let heard = expect(&born, role.name(), Kind::Hello, HELLO_WITHIN).and_then(|frame| {
        let same = frame.body == build;
        same.then_some(()).ok_or_else(|| failed(role.name(), "it is another build of the program"))
    });
    match heard {
        Ok(()) => Ok(born),
        Err(error) => {
            end(born);
            Err(error)
        }
    }
}

/// Waits for a frame of this kind.
///
/// # Errors
/// [`Error::Handshake`] saying whether the process hung, ended or spoke nonsense.
pub(crate) fn expect(
    from: &Born,
    what: &'static str,
    kind: Kind,
    within: Duration,
) -> Result<Frame> {
    let deadline = Instant::now() + within;
    let waiting = [from.socket.as_fd(), from.pidfd.as_fd()];
    let ready =
        poll::wait(&waiting, Some(deadline)).map_err(Error::system("wait for a process"))?;
    if ready.is_empty() {
        return Err(failed(what, &format!("it said nothing for {within:?}")));
    }
    match frame::receive(&from.socket, false) {
        Ok(Some(frame)) if frame.kind == kind => Ok(frame),
        Ok(Some(Frame { kind: Kind::Failed, body, .. })) => {
            Err(Error::Preload { reason: String::from_utf8_lossy(&body).into_owned() })
        }
        Ok(Some(_)) => Err(failed(what, "it said something else")),
        Ok(None) => Err(failed(what, "it ended first")),
        Err(error) => Err(failed(what, &error.to_string())),
    }
}

/// Makes sure that a process has ended and leaves no zombie.
///
/// It sees the end of its socket first: a process that acts for another user by now may not signal it.
pub(crate) fn end(Born { socket, pidfd, .. }: Born) {
    drop(socket);
    end_by(&pidfd);
}

/// As [`end`], for a process that sees the end of its socket already.
pub(crate) fn end_by(pidfd: &OwnedFd) {
    let _ = pidfd::signal(pidfd, libc::SIGKILL);
    let _ = poll::wait_one(pidfd.as_fd(), Some(Instant::now() + HELLO_WITHIN));
    let _ = pidfd::reap(pidfd.as_fd());
}

fn failed(what: &'static str, reason: &str) -> Error {
    Error::Handshake { what, reason: reason.to_owned() }
}
