//! Asking the fork server for children.
//!
//! The server is always a few children ahead: they wait in the socket's queue, forked but without a
//! task. Taking one costs no wait for a fork, and the next is forked while this one runs its task.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::family::Born;
use super::super::{child, info, init};
use super::ambient::{Ambient, Changes};
use super::handshake;
use crate::memory::statics;
use crate::sys::{self, pidfd, poll};
use crate::wire::Pack;
use crate::wire::frame::{self, Frame, Kind};
use crate::{Error, Result, Shared};

/// How many children the server keeps waiting. Two hide the fork behind the task before; more only
/// cost memory while nothing is spawned.
const AHEAD: u32 = 2;
/// How many are asked for at once when tasks come faster than that.
const BURST: u32 = 6;
/// How long `#[preload]` functions may take.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long one fork may take.
const FORK_WITHIN: Duration = Duration::from_secs(20);
/// A server that dies this often in a row is not worth another try.
const ATTEMPTS: usize = 3;
/// One that has ended so early is started again.
const START_AGAIN_WITHIN: Duration = Duration::from_secs(1);

struct Server {
    process: Born,
    /// Which process's helper it is: its children are the children of that one.
    owner: u32,
    ambient: Ambient,
    /// Children asked for and not received.
    due: u32,
    /// The child that was received last.
    received: u32,
    /// The child that the server has forked last, written by the kernel.
    newest: Shared<AtomicU32>,
}

static SERVER: Mutex<Option<Server>> = Mutex::new(None);

fn server() -> MutexGuard<'static, Option<Server>> {
    SERVER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new child, and what it must change to stand where this process stands.
///
/// # Errors
/// [`Error::Handshake`] and [`Error::Preload`] when no server can be had, [`Error::System`] when the
/// system allows no more processes or descriptors.
pub(crate) fn take() -> Result<(Born, Changes)> {
    let mut slot = server();
    if slot.as_ref().is_some_and(|server| server.owner != sys::own_pid()) {
        // This process is a copy of the owner.
        slot.take();
    }
    if slot.as_ref().is_some_and(|server| server.ambient.is_of_another_user())
        && let Some(former) = slot.take()
    {
        former.bury();
    }
    let mut failure = None;
    for _ in 0..ATTEMPTS {
        let begun = Instant::now();
        let server = match &mut *slot {
            Some(server) => server,
            empty => match Server::start() {
                Ok(server) => empty.insert(server),
                // Killed on its way, perhaps. One that hangs is not waited for again.
                Err(error @ Error::Handshake { .. }) if begun.elapsed() < START_AGAIN_WITHIN => {
                    failure = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        let changes = server.ambient.changes()?;
        if let Some(born) = server.next_child()? {
            return Ok((born, changes));
        }
        // It has died; what it had forked before was taken first.
        if let Some(dead) = slot.take() {
            dead.bury();
        }
    }
    let again = "it dies again and again".to_owned();
    Err(failure.unwrap_or(Error::Handshake { what: "fork server", reason: again }))
}

/// Sends the server and its waiting children away and reaps them.
pub(crate) fn dismiss() {
    let Some(server) = server().take() else { return };
    if server.owner == sys::own_pid() {
        server.bury();
    }
}

/// In a forked copy of this process: forgets the original's server without a word to it.
pub(crate) fn forget() {
    server().take();
}

impl Server {
    fn start() -> Result<Self> {
        let ambient = Ambient::now();
        let newest = Shared::new(AtomicU32::new(0))?;
        let process = handshake::start(init::Role::Server)?;
        let begun = begin(&process, &newest);
        if let Err(error) = begun {
            handshake::end(process);
            return Err(error);
        }
        let owner = sys::own_pid();
        Ok(Self { process, owner, ambient, due: 0, received: 0, newest })
    }

    /// The next child, or nothing if the server has died.
    fn next_child(&mut self) -> Result<Option<Born>> {
        let (mut failed, mut asked_anew) = (false, false);
        loop {
            if self.due == 0 && !self.ask(1 + AHEAD)? {
                return Ok(None);
            }
            let Some(frame) = self.next_word(!failed)? else { return Ok(None) };
            self.due = self.due.saturating_sub(1);
            match frame.kind {
                Kind::Born => return self.born(frame).map(Some),
                // What could not be forked ahead says nothing about now: only an answer to what is
                // asked now counts.
                Kind::Failed if self.due > 0 || !asked_anew => {
                    failed = true;
                    asked_anew |= self.due == 0;
                }
                Kind::Failed => {
                    let code = frame.number().unwrap_or(0);
                    let source = std::io::Error::from_raw_os_error(code as i32);
                    return Err(Error::System { action: "start a process", source });
                }
                _ => {
                    let reason = "the fork server gave no process".to_owned();
                    return Err(Error::Garbled { reason });
                }
            }
        }
    }

    /// What the server says next; asks for `more` if tasks come faster than children.
    fn next_word(&mut self, more: bool) -> Result<Option<Frame>> {
        if !poll::is_ready(self.process.socket.as_fd()) {
            if more && self.due < BURST && !self.ask(BURST - self.due)? {
                return Ok(None);
            }
            let (socket, deadline) = (self.process.socket.as_fd(), Instant::now() + FORK_WITHIN);
            if !poll::wait_one(socket, Some(deadline)).map_err(Error::system("wait for a fork"))? {
                return Ok(None);
            }
        }
        frame::receive(&self.process.socket, false)
    }

    fn born(&mut self, frame: Frame) -> Result<Born> {
        if self.due < AHEAD {
            self.ask(1)?;
        }
        let pid = frame.number();
        self.received = pid.unwrap_or(self.received);
        born_of(frame).map_err(|frame| {
            // Its descriptors found no room here, so that it sees the end of its socket.
            frame.number().into_iter().for_each(pidfd::reap_number);
            frame::no_room()
        })
    }

    /// Asks for more children; whether the server is there to hear it.
    fn ask(&mut self, count: u32) -> Result<bool> {
        let heard = send(&self.process.socket, Kind::Ask, &count.to_ne_bytes(), &[])?;
        self.due += if heard { count } else { 0 };
        Ok(heard)
    }

    /// Makes sure that it has ended, and reaps it and all of its children that have no task.
    fn bury(mut self) {
        let Born { socket, pidfd, .. } = self.process;
        // The end of the conversation for the server; what it has said can still be read.
        let _ = rustix::net::shutdown(&socket, rustix::net::Shutdown::Write);
        handshake::end_by(&pidfd);
        while let Ok(Some(frame)) = frame::receive(&socket, false) {
            self.received = frame.number().unwrap_or(self.received);
            match born_of(frame) {
                Ok(born) => handshake::end(born),
                Err(frame) if frame.kind == Kind::Born => {
                    frame.number().into_iter().for_each(pidfd::reap_number);
                }
                Err(_) => {}
            }
        }
        // What could not be read holds sockets of children, which wait as long as those are there.
        drop(socket);
        // It may have died between a fork and the word about it. The child has seen the end of its
        // socket, and nobody else knows its number.
        let newest = self.newest.load(Relaxed);
        if newest != 0 && newest != self.received {
            pidfd::reap_number(newest);
        }
    }
}

/// Tells the server what it needs to know and waits until it is ready.
fn begin(process: &Born, newest: &Shared<AtomicU32>) -> Result<()> {
    let mut pack = Pack::new();
    pack.put(&info::current(), "parent");
    pack.put(newest, "newest");
    let (bytes, mut descriptors) = pack.finish()?;
    descriptors.extend(statics::descriptor()?);
    send(&process.socket, Kind::Begin, &bytes, &descriptors)?;
    handshake::expect(process, "fork server", Kind::Ready, READY_WITHIN).map(drop)
}

/// Sends a word to the server; whether it was there to hear it.
fn send(socket: &OwnedFd, kind: Kind, body: &[u8], descriptors: &[Arc<OwnedFd>]) -> Result<bool> {
    match frame::send(socket, kind, body, descriptors, true) {
        Ok(()) => Ok(true),
        Err(error) if child::is_gone(&error) => Ok(false),
        Err(error) => Err(Error::system("talk to the fork server")(error)),
    }
}

/// The new process that a frame hands over, or the frame back if there is none in it.
fn born_of(mut frame: Frame) -> std::result::Result<Born, Frame> {
    let pid = frame.number().filter(|_| frame.kind == Kind::Born);
    let (Some(pid), 2) = (pid, frame.descriptors.len()) else { return Err(frame) };
    let (Some(pidfd), Some(socket)) = (frame.descriptors.pop(), frame.descriptors.pop()) else {
        return Err(frame);
    };
    Ok(Born { pid, pidfd, socket })
}
