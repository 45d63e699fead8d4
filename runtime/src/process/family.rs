//! The children of this process: one record each, from birth until their status is taken.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::exit;
use super::info::ProcessInfo;
use super::join_error::JoinError;
use super::signal::Signal;
use super::status::ExitStatus;
use crate::sys::pidfd::{self, End};
use crate::sys::{self, oom, poll, signal};
use crate::wire::Unpack;
use crate::wire::frame::{self, Frame, Kind};
use crate::wire::handle::Carried;
use crate::{Error, Result};

/// A new process with this process's end of its socket.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) socket: OwnedFd,
}

/// A child that has its task.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) info: ProcessInfo,
    pidfd: Arc<OwnedFd>,
    /// The lifeline of a daemon, and the way its result comes back; closed once the child is reaped
    /// and its result read, or in a forked copy of this process.
    socket: Mutex<Option<OwnedFd>>,
    /// What came over it, once somebody had to look.
    letter: Mutex<Option<Result<Option<Frame>>>>,
    /// How it ended, and when that was found out.
    status: Mutex<Option<(ExitStatus, Instant)>>,
    timeout: Option<(Duration, Instant)>,
    /// Whether its time was not up yet when it ended, whenever that was found out.
    in_time: AtomicBool,
    /// Whether this process itself has killed it.
    killed: AtomicBool,
    /// Whether it is another process's child, of which a handle was sent here.
    is_stranger: bool,
    /// Whether its result goes to its parent alone.
    is_result_elsewhere: bool,
}

/// What of a child is in a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    info: ProcessInfo,
    pidfd: Carried,
    socket: Option<Carried>,
    timeout: Option<Duration>,
}

/// Children whose status nobody has taken yet, and whose children they are.
struct Registry {
    owner: u32,
    children: BTreeMap<u32, Arc<Child>>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { owner: 0, children: BTreeMap::new() });

/// The registry of this process. A copy of a process finds it empty: the original's children are
/// not its own, and each of its ends of their sockets would keep a daemon alive beyond its parent.
fn registry() -> MutexGuard<'static, Registry> {
    let mut registry = lock(&REGISTRY);
    let me = sys::own_pid();
    if registry.owner != me {
        for child in std::mem::take(&mut registry.children).into_values() {
            lock(&child.socket).take();
        }
        registry.owner = me;
    }
    registry
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a new process into the family.
///
/// `timeout` is the limit and the moment before it could begin to run.
pub(crate) fn add(
    born: Born,
    name: String,
    daemon: bool,
    timeout: Option<(Duration, Instant)>,
) -> Arc<Child> {
    exit::arm();
    let info = ProcessInfo { pid: born.pid, name, daemon };
    let child = Child::new(info, Arc::new(born.pidfd), Some(born.socket), timeout, false);
    let child = Arc::new(child);
    registry().children.insert(child.info.pid, Arc::clone(&child));
    child
}

/// The child with this process id, if its status has not been taken.
pub(crate) fn find(pid: u32) -> Option<Arc<Child>> {
    registry().children.get(&pid).cloned()
}

/// All children whose status has not been taken, by pid.
pub(crate) fn all() -> Vec<Arc<Child>> {
    registry().children.values().cloned().collect()
}

/// The live children of this process; those that have ended are reaped: Python's `active_children()`.
pub fn active_children() -> Vec<ProcessInfo> {
    let alive = |child: &Arc<Child>| !matches!(child.reap(), Ok(Some(_)));
    all().into_iter().filter(alive).map(|child| child.info.clone()).collect()
}

/// In a forked copy of this process: forgets the original's children at once.
pub(crate) fn forget_all() {
    drop(registry());
}

/// The process that a message has brought: this process's own child, if it is one.
pub(crate) fn received(letter: Letter) -> Arc<Child> {
    let Letter { info, pidfd: Carried(pidfd), socket, timeout } = letter;
    if pidfd::is_own_child(pidfd.as_fd())
        && let Some(child) = find(info.pid)
    {
        return child;
    }
    let socket = socket.and_then(|socket| Arc::into_inner(socket.0));
    let timeout = timeout.map(|limit| (limit, Instant::now()));
    Arc::new(Child::new(info, pidfd, socket, timeout, true))
}

impl Child {
    fn new(
        info: ProcessInfo,
        pidfd: Arc<OwnedFd>,
        socket: Option<OwnedFd>,
        timeout: Option<(Duration, Instant)>,
        is_stranger: bool,
    ) -> Self {
        let is_result_elsewhere = is_stranger && socket.is_none();
        Self {
            info,
            pidfd,
            socket: Mutex::new(socket),
            letter: Mutex::new(None),
            status: Mutex::new(None),
            timeout,
            in_time: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            is_stranger,
            is_result_elsewhere,
        }
    }

    /// What to send of it to another process, with the way home of its result or without.
    ///
    /// A daemon's way home is also the line that its life hangs on: whoever else had it would keep the daemon alive when
    /// its parent dies.
    pub(crate) fn letter(&self, with_result: bool) -> io::Result<Letter> {
        let socket = lock(&self.socket);
        let lent = socket.as_ref().filter(|_| with_result && !self.info.daemon);
        let socket = lent.map(OwnedFd::try_clone).transpose()?;
        Ok(Letter {
            info: self.info.clone(),
            pidfd: Carried(Arc::clone(&self.pidfd)),
            socket: socket.map(|socket| Carried(Arc::new(socket))),
            timeout: self.timeout.map(|(limit, _)| limit),
        })
    }

    /// Whether it is for others to wait for it.
    pub(crate) fn is_stranger(&self) -> bool {
        self.is_stranger
    }

    /// A descriptor that is readable once the child has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// How it ended, if that is known already.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        lock(&self.status).map(|(status, _)| status)
    }

    /// Waits for its end until the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.status() {
                return Ok(Some(status));
            }
            let ended = poll::wait_one(self.pidfd(), deadline)
                .map_err(Error::system("wait for a process"))?;
            if !ended {
                return Ok(None);
            }
            if let Some(status) = self.reap()? {
                return Ok(Some(status));
            }
            // Ended but not to be had: a debugger holds it. It lets go without a sign.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes its status if it has ended.
    pub(crate) fn reap(&self) -> Result<Option<ExitStatus>> {
        let mut status = lock(&self.status);
        if status.is_none() {
            let is_past = |(limit, start): (Duration, Instant)| start.elapsed() >= limit;
            if self.timeout.is_some_and(is_past) && poll::is_ready(self.pidfd()) {
                self.in_time.store(signal::was_up(self.info.pid) == Some(false), Relaxed);
            }
            let end = if self.is_stranger {
                pidfd::end_of_stranger(self.pidfd(), self.info.pid)
            } else {
                pidfd::reap(self.pidfd()).map_err(Error::system("wait for a process"))?
            };
            *status = end.map(|end| (ExitStatus::new(end), Instant::now()));
            if status.is_some() && !self.is_stranger {
                // The number is free now, and may be that of a newer child already.
                let mut registry = registry();
                if registry.children.get(&self.info.pid).is_some_and(|own| ptr::eq(&**own, self)) {
                    registry.children.remove(&self.info.pid);
                }
            }
        }
        Ok(status.map(|(status, _)| status))
    }

    /// Sends it a signal, if it still lives.
    pub(crate) fn signal(&self, signal: i32) -> Result<()> {
        if signal == libc::SIGKILL && !poll::is_ready(self.pidfd()) {
            self.killed.store(true, Relaxed);
        }
        pidfd::signal(self.pidfd(), signal).map_err(Error::system("signal a process"))
    }

    /// After its end: whether its task has returned.
    pub(crate) fn has_returned(&self) -> bool {
        let mut letter = lock(&self.letter);
        let letter = letter.get_or_insert_with(|| self.receive());
        matches!(letter, Ok(Some(Frame { kind: Kind::Returned, .. })))
    }

    /// After its end: gives what it sent home to `decode`, or says why there is nothing.
    pub(crate) fn outcome<R>(
        &self,
        status: ExitStatus,
        decode: fn(&mut Unpack<'_>) -> Result<R>,
    ) -> Result<R, JoinError> {
        let letter = lock(&self.letter).take();
        match letter.unwrap_or_else(|| self.receive()) {
            Ok(Some(note)) if note.kind == Kind::PanicNote => Err(self.read_note(note, status)),
            Ok(Some(frame)) => self.read(frame, decode),
            Ok(None) => Err(self.cause(status)),
            Err(error) => Err(JoinError::Lost(self.naming(&error))),
        }
    }

    /// Its last word, or the note that it left in case there would be none.
    fn receive(&self) -> Result<Option<Frame>> {
        let socket = lock(&self.socket).take();
        let mut note = None;
        while let Some(socket) = &socket {
            match frame::receive(socket, false)? {
                Some(frame) if frame.kind == Kind::PanicNote => note = Some(frame),
                Some(frame) => return Ok(Some(frame)),
                None => break,
            }
        }
        Ok(note)
    }

    /// The panic that was noted, if that is what it died of.
    fn read_note(&self, note: Frame, status: ExitStatus) -> JoinError {
        let aborted = status.signal() == Some(Signal::SIGABRT);
        let panic = Unpack::new(&note.body, note.descriptors).take("panic").ok();
        panic.filter(|_| aborted).map_or_else(|| self.cause(status), JoinError::Panicked)
    }

    fn read<R>(
        &self,
        frame: Frame,
        decode: fn(&mut Unpack<'_>) -> Result<R>,
    ) -> Result<R, JoinError> {
        let mut unpack = Unpack::new(&frame.body, frame.descriptors);
        let lost = |error: Error| JoinError::Lost(self.naming(&error));
        match frame.kind {
            Kind::Returned => decode(&mut unpack).map_err(lost),
            Kind::TimedOut => {
                Err(JoinError::TimedOut(self.timeout.map_or(Duration::ZERO, |(limit, _)| limit)))
            }
            Kind::Panicked => Err(JoinError::Panicked(unpack.take("panic").map_err(lost)?)),
            Kind::Refused => {
                let reason: String = unpack.take("reason").map_err(lost)?;
                let process = self.info.name.clone();
                Err(JoinError::NotStarted(Box::new(Error::Refused { process, reason })))
            }
            Kind::Unsendable => {
                let reason: String = unpack.take("reason").map_err(lost)?;
                Err(JoinError::Lost(self.naming(&reason)))
            }
            _ => Err(JoinError::Lost(self.naming(&"it answered with something else"))),
        }
    }

    fn naming(&self, what: &dyn std::fmt::Display) -> String {
        format!("{} (pid {}): {what}", self.info.name, self.info.pid)
    }

    /// The limit of a child that lived longer than its timeout allows. One that lets signals through
    /// says so itself; this is for the others, which the kernel kills a little later.
    fn overdue(&self) -> Option<Duration> {
        let ((limit, start), (_, ended)) = (self.timeout?, (*lock(&self.status))?);
        let latest = limit.saturating_add(signal::LAST_WORD_WITHIN);
        let late = ended.saturating_duration_since(start) >= latest;
        (late && !self.in_time.load(Relaxed)).then_some(limit)
    }

    /// Why it ended without a word.
    fn cause(&self, status: ExitStatus) -> JoinError {
        match status.end() {
            End::Exited(0) if self.is_result_elsewhere => {
                JoinError::Lost(self.naming(&"it went to the parent of the process alone"))
            }
            End::Exited(code) => JoinError::Exited(code),
            End::Signaled { signal, core_dumped } => {
                let ours = self.killed.load(Relaxed);
                let killed = signal == libc::SIGKILL && !ours;
                match self.overdue() {
                    Some(limit) if killed => JoinError::TimedOut(limit),
                    _ => {
                        let out_of_memory = killed && oom::has_struck();
                        JoinError::Signaled(Signal::fatal(signal, core_dumped, out_of_memory))
                    }
                }
            }
            End::Unknown => JoinError::Lost(self.naming(&status)),
        }
    }
}
