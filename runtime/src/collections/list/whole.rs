//! Many items of a list at once: all of them change, or none.

use super::List;
use super::root::InList;
use crate::Result;
use crate::collections::fault::Fault;
use crate::collections::heap::block::HEADER;
use crate::collections::heap::table::Table;
use crate::collections::stored;
use crate::wire::Message;

impl<T: Message> List<T> {
    /// A list of these items.
    ///
    /// # Errors
    /// As for [`new`](Self::new) and [`push`](Self::push).
    #[allow(clippy::should_implement_trait, reason = "there may be no memory for it")]
    pub fn from_iter(items: impl IntoIterator<Item = T>) -> Result<Self> {
        let list = Self::new()?;
        list.extend(items)?;
        Ok(list)
    }

    /// A list of these items.
    ///
    /// # Errors
    /// As for [`from_iter`](Self::from_iter).
    #[allow(clippy::should_implement_trait, reason = "there may be no memory for it")]
    pub fn from<const N: usize>(items: [T; N]) -> Result<Self> {
        Self::from_iter(items)
    }

    /// Puts items at the end, all of them in one step.
    ///
    /// # Errors
    /// As for [`push`](Self::push); the list is as it was then.
    pub fn extend(&self, items: impl IntoIterator<Item = T>) -> Result<()> {
        let items: Vec<T> = items.into_iter().collect();
        let encoded = items.iter().map(|item| self.encoded(item)).collect::<Result<Vec<_>>>()?;
        let inside = self.enter()?;
        let len = self.count(&inside)?;
        self.make_room(len + items.len(), &inside)?;
        for (index, (item, encoded)) in items.iter().zip(&encoded).enumerate() {
            if let Err(fault) = self.write_new(len + index, item, encoded.as_ref(), &inside) {
                return Err(self.give_up(fault, &inside));
            }
        }
        self.handle.set_len(len + items.len(), &inside);
        Ok(())
    }

    /// Puts an item in this place; what is there and behind it moves up. A list that is not that long gets it at the end.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn insert(&self, index: usize, item: T) -> Result<()> {
        let encoded = self.encoded(&item)?;
        let inside = self.enter()?;
        let len = self.count(&inside)?;
        let index = index.min(len);
        self.make_room(len + 1, &inside)?;
        // Behind the last one first, where it is nobody's yet; then to its place, with all of them.
        self.write_new(len, &item, encoded.as_ref(), &inside)?;
        if index == len {
            self.handle.set_len(len + 1, &inside);
            return Ok(());
        }
        let parts = [0..index, len..len + 1, index..len];
        self.rearrange(&parts, len + 1, &inside).map_err(|fault| self.give_up(fault, &inside))
    }

    /// Takes the item out of this place; what is behind it moves down. `None` when the list is not that long.
    ///
    /// # Errors
    /// As for [`push`](Self::push) and [`try_get`](Self::try_get).
    pub fn remove(&self, index: usize) -> Result<Option<T>> {
        let inside = self.enter()?;
        let len = self.count(&inside)?;
        if index >= len {
            return Ok(None);
        }
        let item = self.read(index, &inside)?;
        if index + 1 < len {
            // To the end with it, where it can be cut off.
            let parts = [0..index, index + 1..len, index..index + 1];
            self.rearrange(&parts, len - 1, &inside)?;
        }
        self.cut(len - 1..len, inside)?;
        Ok(Some(item))
    }

    /// Puts these parts of what is there one behind another, of which so many count; the others are not lost, but behind the end.
    fn rearrange(
        &self,
        parts: &[std::ops::Range<usize>],
        len: usize,
        inside: &InList<'_>,
    ) -> Result<(), Fault> {
        let (root, arena, size) = (&*self.handle, self.handle.arena(), Self::size(self.blocks));
        let (block, capacity) = root.items(size);
        if size == 0 {
            root.set_len(len, inside);
            return Ok(());
        }
        // A room that was overwritten may be anything.
        let is_there =
            block.is_some_and(|block| arena.at(block, HEADER + capacity * size).is_some());
        if !is_there {
            return Err(Fault::Overwritten);
        }
        let table = root.spare_for(arena, capacity, size, inside)?;
        let mut at = 0;
        for part in parts {
            self.copy_table(block, table.block, part.clone(), at)?;
            at += part.len();
        }
        root.switch(arena, table, len, &root.ledger.spare, inside)?;
        arena.free(&root.ledger.spare).map(drop)
    }

    /// Changes all items in one step: nobody sees some of them changed. `change` gets them as a vector; what is in that afterwards is the list.
    ///
    /// # Errors
    /// As for [`push`](Self::push) and [`try_get`](Self::try_get).
    ///
    /// # Panics
    /// When `change` does; nothing has changed then.
    ///
    /// # Examples
    /// ```
    /// let words = offspring::List::from(["to", "be", "or", "not"].map(str::to_owned))?;
    /// words.update_all(|words| words.sort())?;
    /// assert_eq!(words.to_vec()?, ["be", "not", "or", "to"]);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn update_all<R>(&self, change: impl FnOnce(&mut Vec<T>) -> R) -> Result<R> {
        let inside = self.enter()?;
        let mut items = self.all(&inside)?;
        let result = change(&mut items);
        self.replace_all(&items, inside)?;
        Ok(result)
    }

    /// Takes out the items for which `keep` says no.
    ///
    /// # Errors
    /// As for [`update_all`](Self::update_all).
    ///
    /// # Panics
    /// When `keep` does; nothing has changed then.
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) -> Result<()> {
        self.update_all(|items| items.retain(|item| keep(item)))
    }

    /// Whether an item is in the list.
    #[must_use]
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|found| found == *item)
    }

    /// A copy of all items, of one moment.
    ///
    /// # Errors
    /// As for [`try_get`](Self::try_get).
    pub fn to_vec(&self) -> Result<Vec<T>> {
        let inside = self.enter()?;
        self.all(&inside)
    }

    fn all(&self, inside: &InList<'_>) -> Result<Vec<T>> {
        let len = self.count(inside)?;
        (0..len).map(|index| self.read(index, inside)).collect()
    }

    /// Builds another table, with blocks of its own, beside the one that is seen, and then has it seen.
    fn replace_all(&self, items: &[T], inside: InList<'_>) -> Result<()> {
        let (root, arena, blocks) = (&*self.handle, self.handle.arena(), self.blocks);
        let encoded = items.iter().map(|item| self.encoded(item)).collect::<Result<Vec<_>>>()?;
        let ledger = &root.ledger;
        let spare = if blocks { &ledger.deep } else { &ledger.spare };
        let size = Self::size(blocks);
        let table = if items.is_empty() || size == 0 {
            Table::of(0)
        } else {
            root.block_for(arena, items.len(), size, spare, &inside)?
        };
        if let Err(fault) = self.fill(table, items, &encoded, &inside) {
            return Err(self.give_up(fault, &inside));
        }
        if blocks {
            // Behind the end may be what an attempt that failed has left.
            root.free_from(arena, root.len(), &inside)?;
        }
        root.switch(arena, table, items.len(), spare, &inside)?;
        let orphaned = crate::collections::heap::table::tidy(arena, ledger, &inside)?;
        self.reap(orphaned, inside);
        Ok(())
    }

    /// Frees what was to become a part of the list.
    #[cold]
    fn give_up(&self, fault: Fault, inside: &InList<'_>) -> crate::Error {
        let (root, arena) = (&*self.handle, self.handle.arena());
        if self.blocks {
            let _ = root.free_from(arena, root.len(), inside);
        }
        let _ = crate::collections::heap::table::tidy(arena, &root.ledger, inside);
        fault.into()
    }

    fn fill(
        &self,
        table: Table,
        items: &[T],
        encoded: &[Option<stored::Encoded>],
        inside: &InList<'_>,
    ) -> Result<(), Fault> {
        let arena = self.handle.arena();
        for (index, (item, encoded)) in items.iter().zip(encoded).enumerate() {
            match encoded {
                None => {
                    self.write_in_place(table.block, items.len(), index, item, inside)?;
                }
                Some(encoded) => {
                    let block = table.block.ok_or(Fault::Overwritten)?;
                    let words = arena.payload(block, items.len() * 8)?;
                    stored::put(arena, encoded, &words[index])?;
                }
            }
        }
        Ok(())
    }
}
