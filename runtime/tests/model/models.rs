//! What is run: a few threads, some of which die, and what must be true of those who live.
//!
//! That nobody sleeps for ever needs no line of code: shuttle notices.

mod barrier;
mod condvar;
mod event;
mod gate;
mod lock;
mod permits;
mod rwlock;

use real::ops::Deref;

use crate::Model;

/// All models.
pub(crate) const ALL: &[Model] = &[
    ("lock: three want it, one dies", lock::one_dies),
    ("lock: three want it, two die", lock::two_die),
    ("lock: waits with an end", lock::impatient),
    ("rwlock: a mortal writer", rwlock::mortal_writer),
    ("rwlock: a mortal reader", rwlock::mortal_reader),
    ("rwlock: waits with an end", rwlock::impatient),
    ("semaphore: two permits for three", permits::three_for_two),
    ("semaphore: a permit added by one who dies", permits::mortal_releaser),
    ("semaphore: permits added and used up", permits::used_up),
    ("condvar: a mortal waiter", condvar::mortal_waiter),
    ("condvar: two notifications for three, one of them mortal", condvar::two_for_three),
    ("condvar: two mortal waiters", condvar::two_mortal_waiters),
    ("condvar: one who gives up", condvar::impatient_waiter),
    ("condvar: a mortal notifier of all", condvar::mortal_notifier),
    ("event: set by one who dies", event::mortal_setter),
    ("event: set and cleared at once", event::set_and_cleared),
    ("gate: a mortal putter", gate::mortal_putter),
    ("gate: a mortal taker", gate::mortal_taker),
    ("gate: some at the bell, some who want in", gate::both_kinds),
    ("gate: a mortal closer", gate::mortal_closer),
    ("barrier: two, one of them mortal", barrier::two),
    ("barrier: three, one of them mortal", barrier::three),
];

/// What all threads of a run see, for ever: the kernel's model goes by addresses.
struct World<T: 'static>(&'static T);

// SAFETY: all threads of the model are one real thread, and none has a turn but in `kernel::point`.
unsafe impl<T> Sync for World<T> {}
// SAFETY: as above.
unsafe impl<T> Send for World<T> {}

impl<T> World<T> {
    fn new(world: T) -> Self {
        Self(Box::leak(Box::new(world)))
    }
}

impl<T> Clone for World<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for World<T> {}

impl<T> Deref for World<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}
