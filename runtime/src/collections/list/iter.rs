//! The items of a list, one after the other.

use super::List;
use crate::wire::Message;

/// The items of a list as they are when their turn comes: [`List::iter`].
pub struct Iter<'a, T: 'static> {
    list: &'a List<T>,
    next: usize,
}

impl<T> std::fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iter").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<T: Message> List<T> {
    /// The items, one after the other, each as it is when its turn comes.
    ///
    /// The iterator holds nothing up: what others change meanwhile is seen, or not, and it ends where the list ends at that time. For
    /// the items of one moment, see [`to_vec`](Self::to_vec).
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { list: self, next: 0 }
    }
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let item = self.list.get(self.next)?;
        self.next += 1;
        Some(item)
    }
}

impl<'a, T: Message> IntoIterator for &'a List<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
