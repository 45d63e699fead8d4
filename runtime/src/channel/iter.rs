//! The items of a queue, as they come.

use super::queue::Queue;
use crate::wire::Message;

/// Gives the items of a queue until it is closed and empty: [`Queue::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'static> {
    queue: &'a Queue<T>,
}

impl<'a, T> Iter<'a, T> {
    pub(crate) fn new(queue: &'a Queue<T>) -> Self {
        Self { queue }
    }
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.queue.get().ok()
    }
}

impl<'a, T: Message> IntoIterator for &'a Queue<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
