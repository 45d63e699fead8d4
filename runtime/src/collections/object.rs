//! A handle's way to its collection: the memory, where in it the collection begins, and that this process has a handle.
//!
//! # Safety
//! Invariant: `root` points at an `R`, which consists of atomic words and lock words only, in a block of at least its size, for as long as the
//! arena is mapped; that of a collection inside of another one is not freed as long as this handle is on the roll.

#![allow(unsafe_code, reason = "turns a block into a reference to the root in it")]

use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::fault::Fault;
use super::heap::block::UNIT;
use super::heap::object::{Form, Head};
use super::heap::{Arena, Ref};
use super::in_place::is_in_place;
use crate::memory::layout::Hasher;
use crate::sys::memfd;
use crate::wire::bulk;
use crate::{Error, Result};

/// What a collection begins with.
///
/// # Safety
/// `repr(C)`, beginning with a [`Head`]; atomic words and lock words only, valid whatever they are, and new when all of them are 0.
pub(crate) unsafe trait Root {
    fn head(&self) -> &Head;
}

// SAFETY: it is a head and nothing else.
unsafe impl Root for Head {
    fn head(&self) -> &Head {
        self
    }
}

/// Where a collection is, and that there is a handle.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) arena: Arc<Arena>,
    pub(crate) place: Ref,
    /// Other processes may have handles.
    pub(crate) is_known: AtomicBool,
}

/// See the module.
pub(crate) struct Handle<R> {
    pub(crate) place: Arc<Place>,
    root: NonNull<R>,
}

// SAFETY: like `Arc<R>` of something that is atomic throughout.
unsafe impl<R> Send for Handle<R> {}
// SAFETY: as above.
unsafe impl<R> Sync for Handle<R> {}

/// The root at a place that something refers to.
pub(crate) fn root_at<R: Root>(arena: &Arena, place: Ref) -> std::result::Result<&R, Fault> {
    let root = root_pointer::<R>(arena, place)?;
    // SAFETY: inside of the arena and aligned; a `Root` is valid whatever is in it.
    Ok(unsafe { root.as_ref() })
}

fn root_pointer<R: Root>(arena: &Arena, place: Ref) -> Result<NonNull<R>, Fault> {
    let is_aligned = (place.0 as usize * UNIT).is_multiple_of(align_of::<R>());
    let at = arena.at(place, size_of::<R>()).filter(|_| is_aligned);
    at.map(NonNull::cast).ok_or(Fault::Overwritten)
}

/// What tells the types of collections apart. Types that stand in place are those of one build; others, and numbers, are by their names.
pub(crate) fn identity_of<C: 'static, T: 'static>(identity: Hasher) -> Hasher {
    let identity = identity.text(type_name::<C>()).of::<T>();
    let is_of_build = is_in_place::<T>() && !bulk::is_number::<T>();
    let identity = identity.word(is_in_place::<T>().into());
    if is_of_build { identity.identity::<T>() } else { identity }
}

impl<R: Root> Handle<R> {
    /// A collection in memory of its own.
    pub(crate) fn new(identity: u64, form: u64) -> Result<Self> {
        let arena = Arena::new(size_of::<R>() - 16)?;
        let handle = Self::at(arena, Ref::ROOT, false)?;
        handle.head().identity.store(identity, Relaxed);
        handle.head().form.store(form, Relaxed);
        Ok(handle)
    }

    /// A collection in the memory of another one, of which nobody else knows yet.
    pub(crate) fn within(arena: &Arc<Arena>, identity: u64, form: u64) -> Result<Self> {
        let place = arena.allocate_object(size_of::<R>() - 16)?;
        let handle = Self::at(Arc::clone(arena), place, false)?;
        handle.head().identity.store(identity, Relaxed);
        handle.head().form.store(form, Relaxed);
        Ok(handle)
    }

    /// The collection behind a descriptor that was handed over.
    pub(crate) fn attach(
        fd: OwnedFd,
        place: Ref,
        identity: u64,
        name: &'static str,
    ) -> Result<Self> {
        use std::os::fd::AsFd as _;
        if place == Ref::ROOT {
            return Self::at(Arena::attach(fd)?, place, true)?.checked(identity, name);
        }
        // The descriptor that came keeps the object until this process is on the roll itself.
        let own = memfd::reopen(fd.as_fd()).map_err(Error::system("open a collection's memory"))?;
        let arena = Arena::attach(own)?;
        arena.holders.take(place)?;
        Self::at(arena, place, true)?.checked(identity, name)
    }

    /// The collection to which something in this memory refers.
    pub(crate) fn inside(
        arena: &Arc<Arena>,
        place: Ref,
        identity: u64,
        name: &'static str,
    ) -> Result<Self> {
        if place != Ref::ROOT {
            arena.holders.take(place)?;
        }
        Self::at(Arc::clone(arena), place, true)?.checked(identity, name)
    }

    fn at(arena: Arc<Arena>, place: Ref, is_known: bool) -> Result<Self> {
        let root = root_pointer(&arena, place);
        // From here on the roll is left in any case.
        let place = Arc::new(Place { arena, place, is_known: AtomicBool::new(is_known) });
        Ok(Self { place, root: root? })
    }

    fn checked(self, identity: u64, name: &'static str) -> Result<Self> {
        if self.head().identity.load(Relaxed) != identity {
            let reason = "it is a collection of another type".to_owned();
            return Err(Error::Layout { expected: name, reason });
        }
        Ok(self)
    }
}

impl<R> Handle<R> {
    /// The same, for those who want to know only what all collections begin with.
    pub(crate) fn into_head(self) -> Handle<Head> {
        Handle { place: self.place, root: self.root.cast() }
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arena {
        &self.place.arena
    }

    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        let (one, two) = (&self.place, &other.place);
        one.place == two.place
            && (Arc::ptr_eq(&one.arena, &two.arena) || one.arena.is_same(&two.arena))
    }
}

impl Place {
    /// Whether this is the only handle of anybody, of a collection in memory of its own.
    pub(crate) fn is_sole(self: &Arc<Self>) -> bool {
        self.place == Ref::ROOT && Arc::strong_count(self) == 1 && !self.is_known.load(Relaxed)
    }

    /// What another process is to be given.
    pub(crate) fn hand_on(&self) -> Result<Arc<OwnedFd>> {
        self.is_known.store(true, Relaxed);
        if self.place == Ref::ROOT {
            return Ok(Arc::clone(self.arena.descriptor()));
        }
        self.arena.holders.hand_on(self.place).map_err(Error::system("enter a collection's roll"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.place == Ref::ROOT || !self.arena.holders.leave(self.place) {
            return;
        }
        let is_unused = self.arena.head(self.place).is_ok_and(|head| head.is_orphan());
        if is_unused {
            // If that fails, the next one who frees something does it.
            let _ = self.arena.reap();
        }
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place), root: self.root }
    }
}

impl<R> Deref for Handle<R> {
    type Target = R;

    #[inline(always)]
    fn deref(&self) -> &R {
        // SAFETY: the invariant.
        unsafe { self.root.as_ref() }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.place).finish()
    }
}

/// The form of a collection whose items stand in place, or do not.
pub(crate) fn form(in_place: bool, forms: [Form; 2]) -> u64 {
    forms[usize::from(!in_place)].word()
}
