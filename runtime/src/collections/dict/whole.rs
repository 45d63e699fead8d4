//! Many entries of a dict.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::Ordering::Relaxed;

use super::Dict;
use super::key::IntoKey;
use super::root::{InPart, LOW, Part};
use crate::Result;
use crate::wire::Message;

impl<K: Message + Hash + Eq, V: Message> Dict<K, V> {
    /// A dict of these entries; of several with the same key the last one counts.
    ///
    /// # Errors
    /// As for [`new`](Self::new) and [`insert`](Self::insert).
    #[allow(clippy::should_implement_trait, reason = "there may be no memory for it")]
    pub fn from_iter(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let dict = Self::new()?;
        dict.extend(entries)?;
        Ok(dict)
    }

    /// A dict of these entries. A key that is a `String` may be given as a literal.
    ///
    /// # Errors
    /// As for [`from_iter`](Self::from_iter).
    ///
    /// # Examples
    /// ```
    /// use offspring::Dict;
    ///
    /// let data: Dict<String, i64> = Dict::from([("count", 20000)])?;
    /// data.update("count", |count| *count -= 1)?;
    /// assert_eq!(data.get("count"), Some(19999));
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn from<Q: IntoKey<K>, const N: usize>(entries: [(Q, V); N]) -> Result<Self> {
        Self::from_iter(entries.into_iter().map(|(key, value)| (key.into_key(), value)))
    }

    /// Puts entries in, one after the other.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert); those before the one that failed are in.
    #[doc(alias = "update")]
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()> {
        entries.into_iter().try_for_each(|(key, value)| self.insert(key, value).map(drop))
    }

    /// Takes out the entries for which `keep` says no, one after the other.
    ///
    /// Those of a part (one of 16) are looked at and taken out while nobody else can change it.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove).
    ///
    /// # Panics
    /// When `keep` does; what was taken out before is out.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> Result<()> {
        for part in self.parts.all(&self.handle) {
            let inside = self.go_into(part)?;
            let slots = self.slots(part, &inside)?;
            let mut orphaned = false;
            for at in 0..slots.words.len() {
                if slots.words[at].load(Relaxed) & LOW == 0 {
                    continue;
                }
                let (key, value) = self.entry(&slots, at, &inside)?;
                if !keep(&key, &value) {
                    orphaned |= self.take_out(part, &slots, at, &inside)?;
                }
            }
            self.reap(orphaned, inside);
        }
        Ok(())
    }

    /// A copy of all entries, of one moment.
    ///
    /// # Errors
    /// As for [`try_get`](Self::try_get).
    #[doc(alias = "copy")]
    pub fn to_map(&self) -> Result<HashMap<K, V>> {
        let parts = self.parts.all(&self.handle);
        // All of them at once, always in the same order, so that two who do this do not wait for each other in a circle.
        let inside =
            parts.iter().map(|part| self.go_into(part)).collect::<Result<Vec<InPart<'_>>>>()?;
        let mut map = HashMap::new();
        for (part, inside) in parts.iter().zip(&inside) {
            map.extend(self.entries_of(part, inside)?);
        }
        Ok(map)
    }

    fn go_into<'a>(&'a self, part: &'a Part) -> Result<InPart<'a>> {
        Ok(part.enter(self.handle.arena(), &self.handle, self.blocks)?)
    }

    fn entries_of(&self, part: &Part, inside: &InPart<'_>) -> Result<Vec<(K, V)>> {
        let slots = self.slots(part, inside)?;
        let used = slots.words.iter().enumerate().filter(|(_, slot)| slot.load(Relaxed) & LOW != 0);
        used.map(|(at, _)| self.entry(&slots, at, inside)).collect()
    }

    /// A copy of what can be read of the part of this number; `None` when there is none.
    pub(super) fn readable(&self, part: usize) -> Option<Vec<(K, V)>> {
        let part = self.parts.all(&self.handle).get(part)?;
        let Ok(inside) = self.go_into(part) else { return Some(Vec::new()) };
        let Ok(slots) = self.slots(part, &inside) else { return Some(Vec::new()) };
        let used = slots.words.iter().enumerate().filter(|(_, slot)| slot.load(Relaxed) & LOW != 0);
        Some(used.filter_map(|(at, _)| self.entry(&slots, at, &inside).ok()).collect())
    }
}
