//! A job that somebody has taken: done, or given back.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::desk::Hold;
use super::joinable::JoinableQueue;
use crate::wire::Message;

/// An item of a [`JoinableQueue`] that is to be done.
///
/// It derefs to the item. It belongs to the thread that took it.
///
/// # Fork and death
/// If its thread ends before it is done, or its process dies, it goes back to the queue, at its front.
pub struct Job<'a, T: 'static> {
    /// Taken out when the job ends.
    item: Option<T>,
    queue: &'a JoinableQueue<T>,
    hold: Hold,
    attempt: u32,
    _stays: PhantomData<*const ()>,
}

impl<'a, T> Job<'a, T> {
    pub(crate) fn new(item: T, queue: &'a JoinableQueue<T>, hold: Hold, attempt: u32) -> Self {
        Self { item: Some(item), queue, hold, attempt, _stays: PhantomData }
    }

    /// Says that the job is done, and gives the item.
    ///
    /// # Fork and death
    /// It is done or goes back, at whatever instruction the caller dies.
    pub fn done(mut self) -> T {
        self.queue.end(self.hold);
        match self.item.take() {
            Some(item) => item,
            None => unreachable!("only the end of a job takes its item"),
        }
    }

    /// How often the job has been given out, this time included: more than 1 says that somebody has had it before, and may have
    /// done a part of it.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl<T> Deref for Job<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.item {
            Some(item) => item,
            None => unreachable!("only the end of a job takes its item"),
        }
    }
}

impl<T> DerefMut for Job<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.item {
            Some(item) => item,
            None => unreachable!("only the end of a job takes its item"),
        }
    }
}

/// A job that was not done goes back to the queue.
impl<T> Drop for Job<'_, T> {
    fn drop(&mut self) {
        if self.item.is_some() {
            self.queue.desks().give_back(self.hold);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Job<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("item", &**self)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Gives the jobs of a queue until it is closed and empty: [`JoinableQueue::iter`].
#[derive(Debug)]
pub struct Jobs<'a, T: 'static> {
    queue: &'a JoinableQueue<T>,
}

impl<'a, T> Jobs<'a, T> {
    pub(crate) fn new(queue: &'a JoinableQueue<T>) -> Self {
        Self { queue }
    }
}

impl<'a, T: Message> Iterator for Jobs<'a, T> {
    type Item = Job<'a, T>;

    fn next(&mut self) -> Option<Job<'a, T>> {
        self.queue.get().ok()
    }
}

impl<'a, T: Message> IntoIterator for &'a JoinableQueue<T> {
    type Item = Job<'a, T>;
    type IntoIter = Jobs<'a, T>;

    fn into_iter(self) -> Jobs<'a, T> {
        self.iter()
    }
}
