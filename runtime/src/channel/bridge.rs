//! Descriptors that ring a bell: how one thread sleeps on words and on descriptors at once, which the kernel does not offer.
//!
//! A helper thread waits for the descriptors and wakes a word that the caller sleeps on beside its others. It exists only
//! while the caller sleeps, and has ended, also for the kernel, when that goes on: a fork right after finds one thread.

use std::iter;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Release;
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use crate::sys::{futex, poll, signal, standard};
use crate::{Error, Result};

/// Runs `sleep` with a word that is 0, and that is changed and woken when one of the descriptors is ready.
pub(crate) fn with<R>(
    descriptors: &[BorrowedFd<'_>],
    sleep: impl FnOnce(&AtomicU32) -> R,
) -> Result<R> {
    let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .and_then(standard::beyond)
        .map_err(Error::system("open a descriptor to stop a wait with"))?;
    let watched: Vec<_> = iter::once(stop.as_fd()).chain(descriptors.iter().copied()).collect();
    let bell = AtomicU32::new(0);
    thread::scope(|scope| {
        let ring = || {
            // Whatever it says: the caller asks for itself then, and is told of failures, too.
            let _ = poll::wait(&watched, None);
            bell.store(1, Release);
            futex::wake_all(&bell);
        };
        // The program's signals are for its own threads: the new one inherits a full mask.
        let helper = signal::with_all_blocked(|| {
            thread::Builder::new().name("offspring-select".to_owned()).spawn_scoped(scope, ring)
        });
        let helper = helper.map_err(Error::system("start a thread to wait for descriptors"))?;
        let result = {
            let _stop = Stop(&stop);
            sleep(&bell)
        };
        // The end of the scope alone would not wait for the kernel's part of the thread.
        let _ = helper.join();
        Ok(result)
    })
}

/// Ends the helper's wait when it is dropped, also by a panic: the scope waits for the helper.
struct Stop<'a>(&'a OwnedFd);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        // It fails only when the counter is full, and it is 0.
        let _ = rustix::io::write(self.0, &1u64.to_ne_bytes());
    }
}
