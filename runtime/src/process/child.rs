//! The life of a child, first to last step: wait for a task, become it, run it, report, end.
//!
//! The caller's frames below [`live`] are copies of another process's (or of nothing): they are never
//! returned to, and nothing in them is dropped. Killed between any two steps, the parent sees the
//! socket without a result and a process that ended by a signal.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::Serialize;

use super::info::ProcessInfo;
use super::order::Order;
use super::panic::{self, Panic};
use super::{exit, info};
use crate::sys::{self, args, clone, poll, robust, signal};
use crate::wire::frame::{self, Frame, Kind};
use crate::wire::{Pack, Reply, Unpack};
use crate::{Error, Result};

/// What Rust programs end with when `main` panics.
const PANIC_CODE: i32 = 101;
/// How long the end of a task waits for the standard streams.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// Where this process's own report goes, and which process that is: a copy of it has nothing to say
/// in its name.
static HOME: Mutex<Option<(u32, Arc<OwnedFd>)>> = Mutex::new(None);

pub(super) fn home() -> Option<Arc<OwnedFd>> {
    let home = HOME.lock().unwrap_or_else(PoisonError::into_inner);
    home.as_ref().filter(|(owner, _)| *owner == sys::own_pid()).map(|(_, home)| Arc::clone(home))
}

/// Lives as a child whose parent holds the other end of `socket`.
pub(crate) fn live(socket: OwnedFd) -> ! {
    // This replaces, and closes, the socket of the process whose copy this one is.
    let own = Some((sys::own_pid(), Arc::new(socket)));
    *HOME.lock().unwrap_or_else(PoisonError::into_inner) = own;
    let received = match home() {
        Some(home) => frame::receive(&*home, true),
        None => Ok(None),
    };
    let code = match received {
        Ok(Some(frame)) => catch_unwind(AssertUnwindSafe(|| serve(frame))).unwrap_or(PANIC_CODE),
        // The parent is gone, or has no task for this process after all.
        Ok(None) => 0,
        Err(error) => {
            send_home(Kind::Refused, &error.to_string());
            1
        }
    };
    clone::exit_now(code)
}

/// Runs the task and reports; gives the exit code.
fn serve(frame: Frame) -> i32 {
    match catch_unwind(AssertUnwindSafe(|| run(frame))) {
        Ok(Ok(reply)) => {
            // Not after a panic: whoever waits for this process at a barrier is told.
            robust::withdraw();
            finish();
            report(reply)
        }
        Ok(Err(error)) => {
            send_home(Kind::Refused, &error.to_string());
            finish();
            1
        }
        Err(payload) => {
            let seen: Panic = panic::caught(&*payload);
            // The payload's own destructor may panic again: leave it.
            std::mem::forget(payload);
            finish();
            send_home(Kind::Panicked, &seen);
            PANIC_CODE
        }
    }
}

fn run(frame: Frame) -> Result<Reply> {
    if frame.kind != Kind::Task {
        return Err(Error::Garbled { reason: "a task was expected".to_owned() });
    }
    let mut message = Unpack::new(&frame.body, frame.descriptors);
    let order: Order = message.take("order")?;
    become_task(&order)?;
    order.arrange(&mut message)?;
    let arguments = message.bytes("arguments")?;
    let function = order.code.resolve()?;
    function(&mut Unpack::after(&arguments, message))
}

/// Takes on the task's identity, and its dependence on the parent.
fn become_task(order: &Order) -> Result<()> {
    let me = ProcessInfo { pid: sys::own_pid(), name: order.name.clone(), daemon: order.daemon };
    info::become_child(me, order.parent.clone());
    if order.daemon
        && let Some(home) = home()
    {
        signal::die_with(home.as_fd()).map_err(Error::system("tie a daemon to its parent"))?;
        // Armed now; whether the parent has died before is for a look to say.
        if poll::is_ready(home.as_fd()) {
            clone::exit_now(0);
        }
    }
    args::show_name(&order.name);
    Ok(())
}

/// What a program does when `main` has returned: end its own family, flush.
fn finish() {
    let _ = catch_unwind(exit::end_family);
    if clone::is_single_threaded() {
        flush();
        return;
    }
    // A thread of the task's may hold a stream, and never let go: it is not waited for.
    let (done, flushed) = mpsc::channel();
    let flusher = std::thread::Builder::new().spawn(move || {
        flush();
        let _ = done.send(());
    });
    if flusher.is_ok() {
        let _ = flushed.recv_timeout(FLUSH_WITHIN);
    }
}

fn flush() {
    // A stream that is closed or broken is the user's choice; the result still counts.
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
}

fn report(Reply(pack): Reply) -> i32 {
    let Some(home) = home() else { return 0 };
    let sent = pack.finish().map_err(|error| error.to_string()).and_then(|(bytes, descriptors)| {
        frame::send(&*home, Kind::Returned, &bytes, &descriptors, true)
            .or_else(parent_lost_interest)
            .map_err(|error| format!("the result could not be sent: {error}"))
    });
    match sent {
        Ok(()) => 0,
        Err(reason) => {
            send_home(Kind::Unsendable, &reason);
            1
        }
    }
}

/// A parent that dropped its handle, or died, does not make the task a failure.
fn parent_lost_interest(error: io::Error) -> io::Result<()> {
    if is_gone(&error) { Ok(()) } else { Err(error) }
}

/// Whether a message could not be sent because nobody is left to get it.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Sends a note to the parent without ever waiting for it.
pub(crate) fn send_home<T: Serialize + 'static>(kind: Kind, note: &T) {
    let Some(home) = home() else { return };
    let mut pack = Pack::new();
    pack.put(note, "note");
    if let Ok((bytes, descriptors)) = pack.finish() {
        let _ = frame::send(&*home, kind, &bytes, &descriptors, false);
    }
}
