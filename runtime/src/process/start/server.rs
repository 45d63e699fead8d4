//! The fork server: a single thread that forks on request and does nothing else.
//!
//! It runs no code of the user's but `#[preload]` functions and holds none of the parent's data, so
//! forking it is cheap and safe. It ends with its parent: by the end of the socket, or, while the
//! user's preload code keeps it busy, by the kernel ([`signal::die_with`]). Then it takes away the names that the parent
//! had, if it was killed.

use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::super::entry::PRELOADS;
use super::super::info::ProcessInfo;
use super::super::{child, panic};
use crate::memory::{named, statics};
use crate::sys::clone::{self, Alone, Forked, NotAlone};
use crate::sys::{self, args, poll, robust, signal, socket, standard};
use crate::wire::Unpack;
use crate::wire::frame::{self, Frame, Kind};
use crate::{Error, Result, Shared};

/// What joins the server to its owner.
struct Post {
    socket: OwnedFd,
    /// The child that is being born: what the owner has of it when the server dies before it could
    /// hand it over.
    newest: Shared<AtomicU32>,
    /// The owner's process id.
    parent: u32,
}

/// How long a parent whose end of the socket is gone may take to be gone itself.
const DEAD_WITHIN: Duration = Duration::from_secs(5);

/// Terminal signals are for the program, not for its helper, which ends when the program does.
const DEAF_TO: [i32; 2] = [libc::SIGINT, libc::SIGQUIT];

/// More than this is never asked for at once.
const ASK_MAX: u32 = 64;

/// Serves until the parent is gone.
pub(crate) fn run(socket: OwnedFd) -> ! {
    // Blocked rather than ignored: one sent to a child before its first step waits for it.
    signal::block(&DEAF_TO);
    standard::close_input();
    args::show_name("offspring-server");
    panic::install_hook();
    let (alone, newest, parent) = prepare(&socket).unwrap_or_else(|error| {
        let reason = match error {
            Error::Preload { reason } => reason,
            other => other.to_string(),
        };
        let _ = frame::send(&socket, Kind::Failed, reason.as_bytes(), &[], true);
        clone::exit_now(1)
    });
    let mut post = Post { socket, newest, parent };
    while let Ok(Some(frame)) = frame::receive(&post.socket, true) {
        let (Kind::Ask, Some(count)) = (frame.kind, frame.number()) else { break };
        for _ in 0..count.min(ASK_MAX) {
            post = give_birth(post, &alone);
        }
    }
    leave(&post)
}

/// Ends. A parent that has not sent this process away, but is dead, may have left names behind.
fn leave(post: &Post) -> ! {
    if poll::is_hung_up(post.socket.as_fd()) {
        // Its end of the socket goes before it does; what holds its names may come last.
        let deadline = Instant::now() + DEAD_WITHIN;
        while sys::is_parent(post.parent) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        named::sweep();
    }
    clone::exit_now(0)
}

/// Takes over what the parent shares, and runs what the user wants done once.
fn prepare(socket: &OwnedFd) -> Result<(Alone, Shared<AtomicU32>, u32)> {
    let Some(Frame { kind: Kind::Begin, body, descriptors }) = frame::receive(socket, true)? else {
        clone::exit_now(0);
    };
    let mut message = Unpack::new(&body, descriptors);
    let parent: ProcessInfo = message.take("parent")?;
    let parent_pid = parent.pid;
    let newest = message.take("newest")?;
    if let Some(descriptor) = message.descriptor(1) {
        statics::adopt(descriptor)?;
    }
    if !PRELOADS.is_empty() {
        preload(socket, parent)?;
    }
    // What every child will do, done once: std makes its buffer on first use.
    let _ = std::io::Write::flush(&mut std::io::stdout());
    let alone = Alone::check().map_err(|reason| match reason {
        NotAlone::Threads(threads) => Error::Preload {
            reason: format!("it left {threads} threads running, which children would not have"),
        },
        NotAlone::Unknown(error) => Error::system("count the threads of the fork server")(error),
    })?;
    if robust::holds_any() {
        let reason = "it left a lock in shared memory held, which every child would hold too";
        return Err(Error::Preload { reason: reason.to_owned() });
    }
    frame::send(socket, Kind::Ready, &[], &[], true).map_err(Error::system("get ready"))?;
    Ok((alone, newest, parent_pid))
}

/// Runs what the user wants done once. No message comes meanwhile, so that anything that happens on
/// the socket is the parent's death.
fn preload(socket: &OwnedFd, parent: ProcessInfo) -> Result<()> {
    let me = ProcessInfo { pid: sys::own_pid(), name: "preload".to_owned(), daemon: true };
    super::super::info::become_child(me, parent);
    signal::die_with(socket.as_fd()).map_err(Error::system("get ready"))?;
    if poll::is_ready(socket.as_fd()) {
        clone::exit_now(0);
    }
    for preload in PRELOADS {
        catch_unwind(AssertUnwindSafe(preload.run)).map_err(|payload| {
            let seen = panic::caught(&*payload);
            Error::Preload { reason: format!("{}: {}", preload.path, seen.message) }
        })?;
    }
    signal::live_without(socket.as_fd()).map_err(Error::system("get ready"))
}

/// Forks a child and hands it to the parent, or says why there is none.
///
/// The post is passed through, so that the child can close its copy: as long as one is open
/// anywhere, the parent would not see the server's death.
fn give_birth(post: Post, alone: &Alone) -> Post {
    let (theirs, mine) = match socket::pair() {
        Ok(pair) => pair,
        Err(error) => return fail(post, error),
    };
    post.newest.store(0, Relaxed);
    match alone.fork_sibling(&post.newest) {
        Ok(Forked::Child) => {
            drop((theirs, post));
            signal::unblock_all();
            child::live(mine)
        }
        Ok(Forked::Parent { pid, pidfd }) => {
            drop(mine);
            say(post, Kind::Born, &pid.to_ne_bytes(), &[Arc::new(theirs), Arc::new(pidfd)])
        }
        Err(error) => match post.newest.load(Relaxed) {
            0 => fail(post, error),
            // It is there without a descriptor, and for its parent to reap.
            pid => say(post, Kind::Born, &pid.to_ne_bytes(), &[]),
        },
    }
}

fn fail(post: Post, errno: rustix::io::Errno) -> Post {
    say(post, Kind::Failed, &errno.raw_os_error().to_ne_bytes(), &[])
}

/// Says a word to the parent; without anybody to hear it, that is the end.
fn say(post: Post, kind: Kind, body: &[u8], descriptors: &[Arc<OwnedFd>]) -> Post {
    match frame::send(&post.socket, kind, body, descriptors, true) {
        Ok(()) => post,
        Err(_) => leave(&post),
    }
}
