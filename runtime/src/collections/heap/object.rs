//! Collections inside of collections: what leads to one, and what becomes of it when nothing does any more.
//!
//! An object is a block that begins with an [`Head`]: a list's or a dict's root. How many blocks of its heap refer to it stands there, and
//! changes together with those blocks. Which processes have a handle is the kernel's to know ([`Holders`](super::holders)). One to which
//! nothing refers is an orphan, on a list, and is freed by the next who comes by and learns from the kernel that no handle is left.
//!
//! Freeing one is many steps, each of which is a change of the heap: the blocks that it leads to, one by one, and in the end itself
//! with its place on the list. Killed in between: it is still on the list, and leads to fewer.

use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{Arena, named};
use super::block::Ref;
use super::control::LOG;
use super::ledger::Change;
use crate::collections::dict::root::Parts;
use crate::collections::fault::Fault;
use crate::collections::list::root::ListRoot;
use crate::collections::object::root_at;
use crate::collections::{dict, list};
use crate::sync::patience::Patience;
use crate::sys::robust::Kind as LockKind;

/// Words of a block in front of what is behind its head: its header, and this.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Head {
    _block: [AtomicU64; 2],
    /// How many blocks refer to it.
    refs: AtomicU64,
    /// The next orphan, and [`LISTED`] if this one is one.
    orphan: AtomicU64,
    /// Which type it is: the compiler's number for it.
    pub(crate) identity: AtomicU64,
    /// What it leads to, for those who know no types.
    pub(crate) form: AtomicU64,
    /// For whatever it is.
    pub(crate) seed: AtomicU64,
    pub(crate) generation: AtomicU64,
}

const _: () = assert!(size_of::<Head>() == 64);

impl Head {
    /// Whether nothing refers to it.
    pub(crate) fn is_orphan(&self) -> bool {
        self.refs.load(Relaxed) == 0
    }

    /// Of those on the list of orphans: the next one.
    pub(crate) fn next_orphan(&self) -> Option<Ref> {
        Ref::from_word(self.orphan.load(Relaxed) & !LISTED)
    }
}

/// Bytes that an object has at least.
const LEAST: u64 = 256;

/// It is on the list of orphans.
const LISTED: u64 = 1 << 63;

/// What an object is, to those who free it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A list whose block holds the items,
    List,
    /// or names the blocks that hold them.
    ListOfBlocks,
    Dict,
    DictOfBlocks,
}

impl Form {
    const ALL: [Self; 4] = [Self::List, Self::ListOfBlocks, Self::Dict, Self::DictOfBlocks];

    pub(crate) fn word(self) -> u64 {
        self as u64 + 1
    }

    pub(crate) fn of(word: u64) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|form| form.word() == word).ok_or(Fault::Overwritten)
    }
}

type Heap<'a> = Change<'a, LOG>;

/// One block more refers to an object.
pub(super) fn refer(arena: &Arena, change: &mut Heap<'_>, object: Ref) -> Result<(), Fault> {
    let refs = &arena.head(object)?.refs;
    change.put(refs, refs.load(Relaxed).wrapping_add(1))
}

/// One block fewer does; if it was the last one, the object is an orphan: then true.
pub(super) fn forget(arena: &Arena, change: &mut Heap<'_>, object: Ref) -> Result<bool, Fault> {
    let head = arena.head(object)?;
    let left = head.refs.load(Relaxed).checked_sub(1).ok_or(Fault::Overwritten)?;
    change.put(&head.refs, left)?;
    if left > 0 {
        return Ok(false);
    }
    list_orphan(arena, change, object)?;
    Ok(true)
}

/// Puts an object to which nothing refers on the list.
fn list_orphan(arena: &Arena, change: &mut Heap<'_>, object: Ref) -> Result<(), Fault> {
    let head = arena.head(object)?;
    // The root goes with the memory.
    if object != Ref::ROOT && head.orphan.load(Relaxed) & LISTED == 0 {
        let first = &arena.control().orphans;
        change.put(&head.orphan, first.load(Relaxed) | LISTED)?;
        change.put(first, object.word())?;
    }
    Ok(())
}

impl Arena {
    /// What an object begins with.
    pub(crate) fn head(&self, object: Ref) -> Result<&Head, Fault> {
        root_at(self, object)
    }

    /// A block for an object of so many bytes, all zero behind its header, to which nothing refers. The calling process is said to have a handle.
    pub(crate) fn allocate_object(&self, size: usize) -> Result<Ref, Fault> {
        let inside = self.enter()?;
        let mut change = inside.change(self);
        change.open();
        let object = self.allocate_within(&mut change, size)?;
        self.clear(object, size)?;
        list_orphan(self, &mut change, object)?;
        self.holders.take(object)?;
        change.commit();
        Ok(object)
    }

    /// Frees the orphans of which no process has a handle.
    pub(crate) fn reap(&self) -> Result<(), Fault> {
        let control = self.control();
        if named(&control.orphans).is_none() {
            return Ok(());
        }
        // Somebody else does it.
        let Ok(held) = control.reaper.lock_as(LockKind::Place, Patience::None) else {
            return Ok(());
        };
        let reaped = self.reap_all();
        control.reaper.unlock(held);
        reaped
    }

    /// Invariant: only who has the reaper's lock takes an orphan off the list. Others put some in front of it.
    fn reap_all(&self) -> Result<(), Fault> {
        // What is freed may make orphans of others, in front of it.
        let mut again = true;
        while again {
            again = false;
            for object in self.listed()? {
                if !self.head(object)?.is_orphan() {
                    self.adopt(object)?;
                } else if self.is_lost(object)? {
                    self.destroy(object)?;
                    again = true;
                }
            }
        }
        Ok(())
    }

    /// The words that no change ever touches: those of the header, and of the locks of the heap and of the collection that has it.
    #[cold]
    pub(super) fn locks(&self) -> Vec<Range<u64>> {
        let control = self.control();
        let heap = control.ledger.lock_words(self);
        let mut locks = vec![0..heap.end, self.range_of(&control.reaper)];
        let root = self.head(Ref::ROOT).and_then(|head| Form::of(head.form.load(Relaxed)));
        // Where that was overwritten, too, nobody can tell.
        match root {
            Ok(Form::List | Form::ListOfBlocks) => {
                let list = root_at::<ListRoot>(self, Ref::ROOT);
                locks.extend(list.map(|list| list.ledger.lock_words(self)));
            }
            Ok(Form::Dict | Form::DictOfBlocks) => {
                if let Ok(parts) = Parts::of(self, Ref::ROOT) {
                    locks.extend(parts.all(self).iter().map(|part| part.ledger.lock_words(self)));
                }
            }
            Err(_) => {}
        }
        locks
    }

    /// For more objects there is no memory.
    fn most_objects(&self) -> u64 {
        self.extent() / LEAST
    }

    /// Those that are on the list, of no unfinished change.
    fn listed(&self) -> Result<Vec<Ref>, Fault> {
        let control = self.control();
        let _inside = self.enter()?;
        let most = self.most_objects();
        let mut listed = Vec::new();
        let mut next = named(&control.orphans);
        while let Some(object) = next {
            // The list may have been overwritten, and be a circle.
            if listed.len() as u64 == most {
                return Err(Fault::Overwritten);
            }
            listed.push(object);
            next = self.head(object)?.next_orphan();
        }
        Ok(listed)
    }

    /// Whether nobody has it and nothing leads to it, so that nobody ever will.
    ///
    /// Both at once: while the heap is ours nothing can begin to refer to it. Otherwise somebody could put it somewhere and let go of
    /// his handle between the two questions. Who gets a handle from what refers to it has it before that is gone.
    fn is_lost(&self, object: Ref) -> Result<bool, Fault> {
        let _inside = self.enter()?;
        Ok(self.head(object)?.is_orphan() && !self.holders.has_any(object)?)
    }

    /// Nobody has it, and nothing leads to it.
    fn destroy(&self, object: Ref) -> Result<(), Fault> {
        match Form::of(self.head(object)?.form.load(Relaxed)) {
            Ok(Form::List) => list::empty(self, object, false)?,
            Ok(Form::ListOfBlocks) => list::empty(self, object, true)?,
            Ok(Form::Dict) => dict::empty(self, object, false)?,
            Ok(Form::DictOfBlocks) => dict::empty(self, object, true)?,
            // Whoever made it was killed before it had a form: it leads to nothing.
            Err(_) if self.head(object)?.form.load(Relaxed) == 0 => {}
            Err(fault) => return Err(fault),
        }
        let inside = self.enter()?;
        let mut change = inside.change(self);
        change.open();
        self.unlist_orphan(&mut change, object)?;
        self.free_within(&mut change, object)?;
        change.commit();
        Ok(())
    }

    /// Something refers to it again.
    fn adopt(&self, object: Ref) -> Result<(), Fault> {
        let inside = self.enter()?;
        if self.head(object)?.refs.load(Relaxed) == 0 {
            return Ok(());
        }
        let mut change = inside.change(self);
        change.open();
        self.unlist_orphan(&mut change, object)?;
        change.commit();
        Ok(())
    }

    fn unlist_orphan(&self, change: &mut Heap<'_>, object: Ref) -> Result<(), Fault> {
        let after = self.head(object)?.orphan.load(Relaxed) & !LISTED;
        let first = &self.control().orphans;
        let mut previous = None;
        let mut at = named(first);
        for _ in 0..=self.most_objects() {
            match at {
                None => return Err(Fault::Overwritten),
                Some(found) if found == object => break,
                Some(other) => {
                    previous = Some(other);
                    at = self.head(other)?.next_orphan();
                }
            }
        }
        match previous {
            None => change.put(first, after)?,
            Some(previous) => change.put(&self.head(previous)?.orphan, after | LISTED)?,
        }
        change.put(&self.head(object)?.orphan, 0)
    }
}
