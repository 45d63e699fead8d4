//! Which threads of this process use one handle: who waits for an item must know whether another thread could put one.

use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys::{robust, roll};

/// The threads that have used a handle.
#[derive(Debug)]
pub(crate) struct Users {
    /// The handle's place on the roll.
    descriptor: Arc<OwnedFd>,
    /// The last one on each side, so that the list is seldom looked at.
    latest: [AtomicU32; 3],
    all: Mutex<Vec<u32>>,
}

/// What is being done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Put = 0,
    Take = 1,
    /// Waiting for jobs to be done.
    Join = 2,
}

impl Users {
    pub(crate) fn new(descriptor: Arc<OwnedFd>) -> Self {
        let latest = [const { AtomicU32::new(0) }; 3];
        Self { descriptor, latest, all: Mutex::new(Vec::new()) }
    }

    /// The calling thread uses the handle.
    #[inline(always)]
    pub(crate) fn note(&self, side: Side) {
        let me = robust::current().tid();
        let latest = &self.latest[side as usize];
        if latest.load(Relaxed) != me {
            latest.store(me, Relaxed);
            self.add(me);
        }
    }

    #[cold]
    fn add(&self, me: u32) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&me) {
            // Of those who are gone nobody need know.
            all.retain(|thread| robust::exists_here(*thread));
            all.push(me);
            // It is there already, but for a handle that a forked copy of its process uses.
            let _ = roll::sign(&*self.descriptor);
        }
    }

    /// Whether another thread that has used the handle is still there.
    pub(crate) fn has_others(&self) -> bool {
        let me = robust::current().tid();
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|thread| *thread != me && robust::exists_here(*thread))
    }
}
