//! `#[shared] static`: one variable for the whole family of processes.
//!
//! All such statics of a program live in one segment, the family's, at places that follow from the order of the
//! link-section slice [`STATICS`], which is the same in every process of one build. The first process makes the
//! segment at first use; its children inherit the mapping (fork) or adopt the descriptor (exec).
//!
//! What the macro emits for `pub static HITS: AtomicU64 = AtomicU64::new(0);` (`p` stands for
//! `::offspring::__private`); attributes, docs and visibility go onto the outer static:
//!
//! ```text
//! pub static HITS: ::offspring::SharedStatic<AtomicU64> = {
//!     struct Init;
//!     #[allow(clippy::declare_interior_mutable_const)]
//!     impl p::StaticInit for Init {
//!         type Value = AtomicU64;
//!         const NAME: &'static str = ::core::concat!(::core::module_path!(), "::HITS");
//!         const VALUE: AtomicU64 = AtomicU64::new(0);
//!     }
//!     #[p::linkme::distributed_slice(p::STATICS)]
//!     #[linkme(crate = p::linkme)]
//!     static SLOT: p::StaticSlot = p::StaticSlot::of::<Init>();
//!     ::offspring::SharedStatic::new::<Init>(&SLOT)
//! };
//! ```
//! `static mut` and generic types of the surroundings are the macro's to refuse; a type that is not [`Shareable`] is
//! refused by the bound on `Value`, at the user's type if that is where the macro puts the span.
//!
//! # Safety
//! Invariant 1: the pointer of a [`SharedStatic`] is null or leads to a valid `T` in the family segment, which is never
//! unmapped. Invariant 2: slot and type of a [`SharedStatic`] belong together (`new` compares layout, size and alignment
//! at compile time), and every slot's place in the segment was filled by its own `write` before the segment was known.

#![allow(unsafe_code, reason = "references into mapped memory, and a link-section slice")]

use std::fmt;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use linkme::distributed_slice;

use super::layout::Hasher;
use super::segment::{Segment, Shape};
use super::shareable::Shareable;
use crate::sys::place;
use crate::{Error, Result};

/// Every `#[shared] static` of the program, in the order in which the linker put them.
#[distributed_slice]
pub static STATICS: [StaticSlot];

/// What the macro knows about one `#[shared] static`.
pub trait StaticInit {
    /// The declared type.
    type Value: Shareable;
    /// The path of the static, for messages.
    const NAME: &'static str;
    /// The declared value.
    const VALUE: Self::Value;
}

/// What the runtime needs to know about one `#[shared] static`, whatever its type.
#[derive(Debug)]
pub struct StaticSlot {
    name: &'static str,
    size: usize,
    align: usize,
    layout: u64,
    write: unsafe fn(NonNull<u8>),
}

impl StaticSlot {
    /// The slot of the static that `I` describes.
    #[must_use]
    pub const fn of<I: StaticInit>() -> Self {
        const {
            assert!(
                !std::mem::needs_drop::<I::Value>(),
                "a type with a destructor cannot live in shared memory"
            );
        };
        Self {
            name: I::NAME,
            size: size_of::<I::Value>(),
            align: align_of::<I::Value>(),
            layout: I::Value::LAYOUT,
            write: write::<I>,
        }
    }
}

/// # Safety
/// `place` is valid for writing an `I::Value`, and aligned for it.
unsafe fn write<I: StaticInit>(place: NonNull<u8>) {
    // SAFETY: the caller's promise.
    unsafe { place.cast::<I::Value>().write(I::VALUE) };
}

/// A variable that all processes of the family share; what `#[shared] static` declares.
///
/// It derefs to the declared type. Access costs one load more than an ordinary static.
///
/// # Panics
/// The first use in the first process makes the memory, and panics, naming the static, when there is none: `Deref`
/// cannot fail. Spawning a process makes it too, and reports that as an error.
///
/// # Fork and death
/// As for [`Shared`](crate::Shared): values stay as they were when a process dies.
pub struct SharedStatic<T: 'static> {
    slot: &'static StaticSlot,
    place: AtomicPtr<T>,
}

impl<T> SharedStatic<T> {
    /// For the macro: the variable behind `slot`.
    ///
    /// # Panics
    /// At compile time, when slot and type do not belong together.
    #[must_use]
    pub const fn new<I: StaticInit<Value = T>>(slot: &'static StaticSlot) -> Self {
        assert!(slot.layout == StaticSlot::of::<I>().layout, "the slot is another static's");
        assert!(slot.size == size_of::<T>() && slot.align == align_of::<T>());
        Self { slot, place: AtomicPtr::new(ptr::null_mut()) }
    }
}

impl<T: Shareable> SharedStatic<T> {
    /// The variable, if there is memory for it.
    pub(crate) fn get(&self) -> Option<&T> {
        let there = !self.place.load(Acquire).is_null();
        (there || family().is_ok()).then_some(self)
    }

    #[cold]
    fn find(&self) -> NonNull<T> {
        let found = family().map(|family| family.place_of(self.slot));
        let place = match found {
            Ok(Some(place)) => place.cast(),
            Ok(None) => panic!(
                "the shared static `{}` is not in the program's list of shared statics: \
                 the linker dropped the section that holds it",
                self.slot.name
            ),
            Err(error) => panic!("the shared static `{}` has no memory: {error}", self.slot.name),
        };
        // Release pairs with the Acquire in `deref`: whoever reads the place sees the value there.
        self.place.store(place.as_ptr(), Release);
        place
    }
}

impl<T: Shareable> Deref for SharedStatic<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let place = NonNull::new(self.place.load(Acquire)).unwrap_or_else(|| self.find());
        // SAFETY: Invariants 1 and 2.
        unsafe { place.as_ref() }
    }
}

impl<T: Shareable + fmt::Debug> fmt::Debug for SharedStatic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The segment of all statics.
#[derive(Debug)]
struct Family {
    segment: Segment,
}

static FAMILY: OnceLock<Family> = OnceLock::new();
/// Serialises making and adopting; nothing that can wait for another thread happens under it.
static SETUP: Mutex<()> = Mutex::new(());

impl Family {
    fn place_of(&self, slot: &StaticSlot) -> Option<NonNull<u8>> {
        let (_, offset) = offsets().find(|(other, _)| ptr::eq(*other, slot))?;
        // SAFETY: offsets lie inside the payload, whose size `shape` took from the last of them.
        Some(unsafe { self.segment.payload().add(offset) })
    }

    fn create() -> Result<Self> {
        let family = Self { segment: place::nowhere(|| Segment::create(&shape(), 1))? };
        for (slot, offset) in offsets() {
            // SAFETY: as in `place_of`.
            let place = unsafe { family.segment.payload().add(offset) };
            // SAFETY: large and aligned enough (`offsets`), and nobody else knows the segment yet.
            unsafe { (slot.write)(place) };
        }
        Ok(family)
    }
}

/// Each static with its place in the segment.
fn offsets() -> impl Iterator<Item = (&'static StaticSlot, usize)> {
    STATICS.iter().scan(0_usize, |end, slot| {
        let offset = end.checked_next_multiple_of(slot.align)?;
        *end = offset.checked_add(slot.size)?;
        Some((slot, offset))
    })
}

fn shape() -> Shape {
    let mut hash = Hasher::start("statics");
    let (mut end, mut align) = (0, 1);
    for (slot, offset) in offsets() {
        hash = hash.text(slot.name).word(slot.layout).word(offset as u64);
        end = offset + slot.size;
        align = align.max(slot.align);
    }
    // Too large for the address space: `Segment::create` says so.
    let size = end.checked_next_multiple_of(align).unwrap_or(usize::MAX);
    // They never have a name.
    let layout = hash.finish();
    let name = "the shared statics of this program";
    Shape { name, layout, abroad: layout, size, align, front: 0 }
}

fn family() -> Result<&'static Family> {
    if let Some(family) = FAMILY.get() {
        return Ok(family);
    }
    let _turn = SETUP.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(family) = FAMILY.get() {
        return Ok(family);
    }
    let family = Family::create()?;
    Ok(FAMILY.get_or_init(|| family))
}

/// Which shared static this address lies in.
pub(crate) fn name_of(address: usize) -> Option<&'static str> {
    let at = address.checked_sub(FAMILY.get()?.segment.payload().addr().get())?;
    let (slot, _) = offsets().find(|(slot, offset)| (*offset..offset + slot.size).contains(&at))?;
    Some(slot.name)
}

/// What to hand to a process that executes this program anew; `None` when the program has no shared statics.
///
/// The segment is made if this process has none yet, so that family members made from now on share it.
pub(crate) fn descriptor() -> Result<Option<Arc<OwnedFd>>> {
    if STATICS.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::clone(family()?.segment.descriptor())))
}

/// Makes the family's statics this process's own; before any code of the user runs in it.
pub(crate) fn adopt(fd: OwnedFd) -> Result<()> {
    let _turn = SETUP.lock().unwrap_or_else(PoisonError::into_inner);
    let family = Family { segment: Segment::attach(fd, &shape())? };
    FAMILY.set(family).map_err(|_| Error::Layout {
        expected: "the shared statics of this program",
        reason: "this process has already used its own".to_owned(),
    })
}
