//! The one helper thread: reaps children whose handles were dropped, starts supervised ones again.
//!
//! It exists only while there is such a child. A fork of this process stops it before and starts it
//! after ([`pause`]), so that it is neither counted nor copied.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use super::supervise::{Line, Verdict};
use crate::sys::{self, poll, signal, standard};

struct Keeper {
    /// Whose thread it is: a copy of a process has the record, but not the thread.
    owner: u32,
    wake: Arc<OwnedFd>,
    orders: Arc<Mutex<Orders>>,
    thread: JoinHandle<Vec<Watch>>,
}

#[derive(Default)]
struct Orders {
    new: Vec<Watch>,
    stop: bool,
    /// The thread has found nothing to do and ends.
    ended: bool,
}

struct Watch {
    line: Arc<Line>,
    /// Its child is dead and to be replaced then.
    restart_at: Option<Instant>,
}

/// Whoever waits for a line that nobody watches any more would wait for ever.
impl Drop for Watch {
    fn drop(&mut self) {
        self.line.settle();
    }
}

static KEEPER: Mutex<Option<Keeper>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes care of a child from now on. Without the means for it (no thread, no descriptor) a dropped
/// child is reaped at this process's end, and a supervised one is not started again.
pub(crate) fn watch(line: Arc<Line>) {
    employ(vec![Watch { line, restart_at: None }]);
}

fn employ(mut watches: Vec<Watch>) {
    if watches.is_empty() {
        return;
    }
    let mut slot = own_keeper();
    if let Some(keeper) = &*slot {
        let mut orders = lock(&keeper.orders);
        if !orders.ended && !keeper.thread.is_finished() {
            orders.new.append(&mut watches);
            drop(orders);
            wake(&keeper.wake);
            return;
        }
    }
    if let Some(ended) = slot.take() {
        let _ = ended.thread.join();
    }
    *slot = hire(watches);
}

fn hire(watches: Vec<Watch>) -> Option<Keeper> {
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?;
    let wake = Arc::new(standard::beyond(wake).ok()?);
    let orders = Arc::new(Mutex::new(Orders::default()));
    let (their_wake, their_orders) = (Arc::clone(&wake), Arc::clone(&orders));
    // The program's signals are for its own threads: the new one inherits a full mask.
    let thread = signal::with_all_blocked(|| {
        std::thread::Builder::new()
            .name("offspring-keeper".to_owned())
            .spawn(move || keep(watches, &their_wake, &their_orders))
    });
    Some(Keeper { owner: sys::own_pid(), wake, orders, thread: thread.ok()? })
}

/// Ends the helper thread for good, and with it all supervision.
pub(crate) fn stop() {
    drop(dismiss());
}

/// Ends the helper thread until the guard is dropped; a copy of this process that is forked
/// meanwhile has no helper and no one to care for.
pub(crate) fn pause() -> Paused {
    Paused { watches: dismiss(), owner: sys::own_pid() }
}

/// The helper thread's work while it does not run.
pub(crate) struct Paused {
    watches: Vec<Watch>,
    owner: u32,
}

impl Drop for Paused {
    fn drop(&mut self) {
        if self.owner == sys::own_pid() {
            employ(std::mem::take(&mut self.watches));
        }
    }
}

/// The keeper of this process. A copy leaves the original's record alone: its locks may be held by a
/// thread that does not exist here.
fn own_keeper() -> MutexGuard<'static, Option<Keeper>> {
    let mut slot = lock(&KEEPER);
    if slot.as_ref().is_some_and(|keeper| keeper.owner != sys::own_pid()) {
        std::mem::forget(slot.take());
    }
    slot
}

fn dismiss() -> Vec<Watch> {
    let mut slot = own_keeper();
    let own = |keeper: &Keeper| keeper.thread.thread().id() == std::thread::current().id();
    // The helper itself, starting a supervised process again, cannot wait for itself.
    if slot.as_ref().is_none_or(own) {
        return Vec::new();
    }
    let Some(keeper) = slot.take() else { return Vec::new() };
    drop(slot);
    lock(&keeper.orders).stop = true;
    wake(&keeper.wake);
    keeper.thread.join().unwrap_or_default()
}

fn wake(eventfd: &OwnedFd) {
    // It fails only when the counter is full, and then the thread is awake anyway.
    let _ = rustix::io::write(eventfd, &1u64.to_ne_bytes());
}

/// The helper thread: gives back what is still to be watched when it is stopped.
fn keep(mut watches: Vec<Watch>, wake: &OwnedFd, orders: &Mutex<Orders>) -> Vec<Watch> {
    loop {
        let _ = rustix::io::read(wake, &mut [0u8; 8]);
        {
            let mut orders = lock(orders);
            watches.append(&mut orders.new);
            if orders.stop {
                return watches;
            }
            if watches.is_empty() {
                orders.ended = true;
                return watches;
            }
        }
        wait_for_change(&watches, wake);
        watches.retain_mut(attend);
    }
}

fn wait_for_change(watches: &[Watch], wake: &OwnedFd) {
    let children: Vec<_> = watches
        .iter()
        .filter(|watch| watch.restart_at.is_none())
        .map(|watch| watch.line.child())
        .collect();
    let descriptors: Vec<_> = std::iter::once(wake.as_fd())
        .chain(children.iter().filter(|child| child.status().is_none()).map(|child| child.pidfd()))
        .collect();
    let already = children.iter().any(|child| child.status().is_some());
    let next = watches.iter().filter_map(|watch| watch.restart_at).min();
    let deadline = if already { Some(Instant::now()) } else { next };
    if poll::wait(&descriptors, deadline).is_err() {
        // Out of memory for the wait itself: try again in a while rather than spin.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Does what is due for one child; whether it is still to be watched.
fn attend(watch: &mut Watch) -> bool {
    if let Some(at) = watch.restart_at {
        if Instant::now() < at {
            return true;
        }
        watch.restart_at = None;
        watch.line.restart();
        return true;
    }
    match watch.line.child().reap() {
        Ok(None) => true,
        Ok(Some(_)) => match watch.line.judge() {
            Verdict::Settled => false,
            Verdict::RestartAt(at) => {
                watch.restart_at = Some(at);
                true
            }
        },
        Err(_) => false,
    }
}
