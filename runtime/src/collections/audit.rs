//! Accounts for every block of a collection's memory: for the tests that kill, which look for what was lost.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::Collection;
use super::dict::root::{LOW, Parts};
use super::fault::Fault;
use super::heap::arena::named;
use super::heap::audit::audit as audit_heap;
use super::heap::ledger::Ledger;
use super::heap::object::Form;
use super::heap::table::Table;
use super::heap::{Arena, Ref};
use super::list::root::ListRoot;
use super::object::root_at;
use crate::Result;

/// What a collection's memory consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many blocks are in use, each of which something leads to.
    pub blocks: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes for which memory is reserved.
    pub reserved: u64,
    /// How many collections are in it that nothing refers to.
    pub orphans: usize,
}

/// Looks at all of a collection's memory, while nobody changes it.
///
/// # Errors
/// [`Error::Garbled`](crate::Error::Garbled) when a block is lost, or in use twice, or the heap is not whole.
pub fn usage(collection: &impl Collection) -> Result<Usage> {
    let arena = collection.arena();
    let found = audit_heap(arena)?;
    let mut seen = Seen::new(arena);
    let orphans = seen.all()?;
    if seen.blocks.len() != found.blocks {
        return Err(crate::Error::Garbled {
            reason: format!(
                "{} of {} blocks are lost",
                found.blocks.abs_diff(seen.blocks.len()),
                found.blocks
            ),
        });
    }
    Ok(Usage { blocks: found.blocks, bytes: found.used, reserved: arena.reserved(), orphans })
}

/// Which blocks hold the rows of slots and of items: others, when a row has been made anew.
///
/// # Errors
/// As for [`usage`].
pub fn tables(collection: &impl Collection) -> Result<BTreeSet<u32>> {
    let mut seen = Seen::new(collection.arena());
    seen.all()?;
    Ok(seen.tables)
}

struct Seen<'a> {
    arena: &'a std::sync::Arc<Arena>,
    blocks: BTreeSet<Ref>,
    objects: BTreeSet<Ref>,
    tables: BTreeSet<u32>,
}

impl<'a> Seen<'a> {
    fn new(arena: &'a std::sync::Arc<Arena>) -> Self {
        let (blocks, objects, tables) = Default::default();
        Self { arena, blocks, objects, tables }
    }

    /// All that something leads to; gives how many orphans there are.
    fn all(&mut self) -> Result<usize> {
        self.object(Ref::ROOT)?;
        let mut orphans = 0;
        let mut listed = BTreeSet::new();
        let mut next = named(&self.arena.control().orphans);
        while let Some(object) = next {
            if !listed.insert(object) {
                return Err(Fault::Overwritten.into());
            }
            let head = self.arena.head(object)?;
            orphans += usize::from(head.is_orphan());
            self.object(object)?;
            next = head.next_orphan();
        }
        Ok(orphans)
    }

    fn block(&mut self, place: Ref) -> Result<(), Fault> {
        if self.blocks.insert(place) { Ok(()) } else { Err(Fault::Overwritten) }
    }

    /// A block of an item or entry, and what it refers to.
    fn item(&mut self, place: Ref) -> Result<(), Fault> {
        self.block(place)?;
        self.arena.refs_of(place)?.into_iter().try_for_each(|object| self.object(object))
    }

    fn items(&mut self, words: &[AtomicU64]) -> Result<(), Fault> {
        let names = words.iter().map(|word| word.load(Relaxed) & LOW);
        names.filter_map(Ref::from_word).try_for_each(|place| self.item(place))
    }

    fn object(&mut self, object: Ref) -> Result<(), Fault> {
        if !self.objects.insert(object) {
            return Ok(());
        }
        self.block(object)?;
        let arena = self.arena;
        let form = arena.head(object)?.form.load(Relaxed);
        // Whoever made it was killed before it had one: it leads to nothing.
        if form == 0 && arena.head(object)?.is_orphan() {
            return Ok(());
        }
        match Form::of(form)? {
            form @ (Form::List | Form::ListOfBlocks) => {
                let list = root_at::<ListRoot>(arena, object)?;
                self.ledger(&list.ledger)?;
                self.table(Table::load(&list.ledger.table))?;
                if form == Form::ListOfBlocks {
                    self.items(list.words(arena)?)?;
                }
            }
            form @ (Form::Dict | Form::DictOfBlocks) => {
                for part in Parts::of(arena, object)?.all(arena) {
                    self.ledger(&part.ledger)?;
                    let table = Table::load(&part.ledger.table);
                    self.table(table)?;
                    if let (Form::DictOfBlocks, Some(block)) = (form, table.block) {
                        self.items(arena.payload(block, 8 << table.log)?)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn table(&mut self, table: Table) -> Result<(), Fault> {
        let Some(block) = table.block else { return Ok(()) };
        self.tables.insert(block.0);
        self.block(block)
    }

    /// What is about to be freed.
    fn ledger<const LOG: usize>(&mut self, ledger: &Ledger<LOG>) -> Result<(), Fault> {
        named(&ledger.spare).map_or(Ok(()), |spare| self.block(spare))?;
        let Some(deep) = named(&ledger.deep) else { return Ok(()) };
        self.block(deep)?;
        let (len, _) = self.arena.block(deep)?.lens();
        self.items(self.arena.payload(deep, len)?)
    }
}
