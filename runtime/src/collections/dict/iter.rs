//! The entries of a dict, one part after the other.

use std::fmt;
use std::hash::Hash;
use std::vec;

use super::Dict;
use crate::wire::Message;

/// The entries of a dict: [`Dict::iter`].
pub struct Iter<'a, K: 'static, V: 'static> {
    dict: &'a Dict<K, V>,
    part: usize,
    entries: vec::IntoIter<(K, V)>,
}

/// The keys of a dict: [`Dict::keys`].
#[derive(Debug)]
pub struct Keys<'a, K: 'static, V: 'static>(Iter<'a, K, V>);

/// The values of a dict: [`Dict::values`].
#[derive(Debug)]
pub struct Values<'a, K: 'static, V: 'static>(Iter<'a, K, V>);

impl<K: Message + Hash + Eq, V: Message> Dict<K, V> {
    /// Keys and values, in no particular order.
    ///
    /// The iterator holds nothing up. It copies one of the dict's 16 parts after the other, each as it is when its turn comes: a key that is there
    /// all the time comes exactly once, one that others put in or take out meanwhile, at most once. For the entries of one moment, see
    /// [`to_map`](Self::to_map). What cannot be read is left out ([`try_get`](Self::try_get) says why).
    #[doc(alias = "items")]
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { dict: self, part: 0, entries: Vec::new().into_iter() }
    }

    /// The keys, as [`iter`](Self::iter) gives them.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// The values, as [`iter`](Self::iter) gives them.
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.iter())
    }
}

impl<K: Message + Hash + Eq, V: Message> Iterator for Iter<'_, K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Some(entry);
            }
            self.entries = self.dict.readable(self.part)?.into_iter();
            self.part += 1;
        }
    }
}

impl<K: Message + Hash + Eq, V: Message> Iterator for Keys<'_, K, V> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        self.0.next().map(|(key, _)| key)
    }
}

impl<K: Message + Hash + Eq, V: Message> Iterator for Values<'_, K, V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        self.0.next().map(|(_, value)| value)
    }
}

impl<'a, K: Message + Hash + Eq, V: Message> IntoIterator for &'a Dict<K, V> {
    type Item = (K, V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K, V> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("part", &self.part).finish_non_exhaustive()
    }
}
