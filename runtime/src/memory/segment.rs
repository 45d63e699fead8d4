//! One sealed object of shared memory: its header, its payload, and its mapping in this process.
//!
//! ```text
//! 0        8        16     24      32    40     48     56      64 …  offset
//! | magic  | format | build| layout| size| align| count| offset|      | payload: count × size bytes
//! ```
//! A shape may ask for room in front of the elements, between header and payload: for what steers their use.
//!
//! The header is written once, before the descriptor can be known to anyone, and is never looked at through the
//! mapping: an attaching process reads it with `pread`, judges it against what the kernel says (size, seals,
//! reserved bytes), and uses its own copy from then on. All pages are reserved at creation and the size is sealed,
//! so that no access can raise SIGBUS.
//!
//! A segment that was made to be found by its name (`sys::place`) is a file, open to this user alone, whose size cannot be sealed. It
//! is for other programs as well: `build` is then the compiler and the version of this library ([`layout::toolchain`]), and
//! `layout` has the type's full name instead of the compiler's number for it. Whoever wants more of such a type than that it looks
//! the same in memory (`channel::payload`: that all bytes of an item mean one) has to ask [`Segment::is_named`].
//!
//! # Safety
//! Invariant 1: `payload` points at `count * size` mapped bytes, aligned as the shape says, for the life of the
//! `Segment`, and `front` at as many as the shape has there, aligned to 64 bytes. Invariant 2: whoever attaches with a shape gets
//! bytes that a process wrote for the same shape: of the same build, or for a file of a program of the same user by the same
//! compiler, with the same version of this library and a type of the same full name that looks the same field by field.

#![allow(unsafe_code, reason = "one pointer into the mapping is computed")]

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use rustix::io::Errno;

use super::{layout, named, regions, room};
use crate::sys::map::Mapping;
use crate::sys::{image, memfd, shm};
use crate::{Error, Result};

const MAGIC: u64 = u64::from_le_bytes(*b"offsprng");
const FORMAT: u64 = 1;
const HEADER_WORDS: usize = 8;
const HEADER_BYTES: usize = HEADER_WORDS * size_of::<u64>();

/// What the payload of a segment consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The type, for messages.
    pub(crate) name: &'static str,
    /// `Shareable::LAYOUT` of what is in it, and what tells the type apart from others of this build.
    pub(crate) layout: u64,
    /// The same for other programs.
    pub(crate) abroad: u64,
    /// Bytes of one element, a multiple of `align`.
    pub(crate) size: usize,
    /// A power of two.
    pub(crate) align: usize,
    /// Bytes in front of the elements.
    pub(crate) front: usize,
}

impl Shape {
    /// Where the payload begins. A larger alignment than a page is a matter of where the object is mapped.
    fn offset(&self) -> Option<usize> {
        let align = self.align.min(rustix::param::page_size());
        self.front.checked_add(HEADER_BYTES)?.checked_next_multiple_of(align)
    }

    /// Header and payload together; `None` when no address space could hold them.
    fn total(&self, count: usize) -> Option<usize> {
        let payload = self.size.checked_mul(count)?;
        let total = payload.checked_add(self.offset()?)?;
        (payload <= isize::MAX as usize && total <= isize::MAX as usize).then_some(total)
    }

    fn header(&self, count: usize, named: bool) -> [u64; HEADER_WORDS] {
        let offset = self.offset().unwrap_or(usize::MAX);
        let [size, align, count, offset] =
            [self.size, self.align, count, offset].map(|word| word as u64);
        let [build, layout] = if named {
            [layout::toolchain(), self.abroad]
        } else {
            [image::build_id(), self.layout]
        };
        [MAGIC, FORMAT, build, layout, size, align, count, offset]
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Layout { expected: self.name, reason: reason.into() }
    }
}

/// Shared memory as one process holds it: the descriptor that can be handed on, and the mapping.
#[derive(Debug)]
pub(crate) struct Segment {
    descriptor: Arc<OwnedFd>,
    mapping: ManuallyDrop<Mapping>,
    payload: NonNull<u8>,
    count: usize,
    named: bool,
}

// SAFETY: descriptor and addresses mean the same in every thread, and no method gives access to the payload.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Segment {
    /// Makes a segment of `count` elements, all bytes zero.
    pub(crate) fn create(shape: &Shape, count: usize) -> Result<Self> {
        Self::create_with_room(shape, count, 0)
    }

    /// The same, with so many bytes of the object left behind it, which are neither mapped nor reserved.
    pub(crate) fn create_with_room(shape: &Shape, count: usize, room: u64) -> Result<Self> {
        let action = "reserve shared memory";
        let total = shape.total(count).ok_or_else(|| Error::system(action)(Errno::NOMEM))?;
        if !room::is_enough(total as u64) {
            return Err(Error::system(action)(Errno::NOMEM));
        }
        let len = (total as u64).saturating_add(room);
        let fd = memfd::create("offspring", len, total as u64).map_err(Error::system(action))?;
        let named = !memfd::is_sealed(fd.as_fd());
        let mut header = [0; HEADER_BYTES];
        let words = shape.header(count, named);
        for (bytes, word) in header.chunks_exact_mut(size_of::<u64>()).zip(words) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        memfd::write_all_at(&fd, &header, 0).map_err(Error::system("write to shared memory"))?;
        Self::map(fd, shape, count, total, named)
    }

    /// Attaches to the segment behind a descriptor that came from somewhere: nothing about it is believed.
    pub(crate) fn attach(fd: OwnedFd, shape: &Shape) -> Result<Self> {
        let named = !memfd::is_sealed(fd.as_fd());
        if named && !shm::is_own_file(fd.as_fd(), &named::prefix()) {
            return Err(shape.refuse("the descriptor is not one of sealed memory"));
        }
        let extent = memfd::extent(fd.as_fd()).map_err(Error::system("look at shared memory"))?;
        let mut bytes = [0; HEADER_BYTES];
        memfd::read_exact_at(&fd, &mut bytes, 0)
            .map_err(|_| shape.refuse("it is too short to have a header"))?;
        let mut header = [0; HEADER_WORDS];
        for (word, bytes) in header.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        let (count, total) = judge(shape, &header, extent, named)?;
        Self::map(fd, shape, count, total, named)
    }

    fn map(fd: OwnedFd, shape: &Shape, count: usize, total: usize, named: bool) -> Result<Self> {
        let offset = total - shape.size * count;
        let mapping = Mapping::shared(fd.as_fd(), total, shape.align, offset)
            .map_err(Error::system("map shared memory"))?;
        regions::enter(&mapping);
        // SAFETY: the offset is at most `total`, which is what was mapped.
        let payload = unsafe { mapping.start().add(offset) };
        let mapping = ManuallyDrop::new(mapping);
        Ok(Self { descriptor: Arc::new(fd), mapping, payload, count, named })
    }

    /// Where the elements are.
    pub(crate) fn payload(&self) -> NonNull<u8> {
        self.payload
    }

    /// Where the room in front of them is.
    pub(crate) fn front(&self) -> NonNull<u8> {
        // SAFETY: the header is a part of what was mapped.
        unsafe { self.mapping.start().add(HEADER_BYTES) }
    }

    /// How many elements there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether it was made to be found by a name, by other programs, too.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// What to hand to another process.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.descriptor
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: taken once, here; all that points into it borrows from `self`, or is a lock that keeps it mapped.
        regions::leave(unsafe { ManuallyDrop::take(&mut self.mapping) });
    }
}

/// Compares a header that was found with the one that this process would have written.
fn judge(
    shape: &Shape,
    found: &[u64; HEADER_WORDS],
    extent: memfd::Extent,
    named: bool,
) -> Result<(usize, usize)> {
    let [magic, format, build, layout, size, align, count, offset] = *found;
    if magic != MAGIC {
        return Err(shape.refuse("it was not made by offspring"));
    }
    if format != FORMAT {
        return Err(
            shape.refuse(format!("its format is {format}, and this program knows {FORMAT}"))
        );
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let [.., own_build, own_layout, own_size, own_align, _, own_offset] =
        shape.header(count, named);
    if layout != own_layout || (size, align) != (own_size, own_align) {
        return Err(shape.refuse(format!(
            "it holds another type (size {size}, alignment {align}, layout {layout:016x}; \
             expected {own_size}, {own_align}, {own_layout:016x})"
        )));
    }
    if build != own_build {
        let reason = if named {
            "it was made by a program with another compiler, or another version of offspring"
        } else {
            "it was made by another build of the program"
        };
        return Err(shape.refuse(reason));
    }
    let total = shape.total(count).filter(|total| *total as u64 <= extent.len);
    match total {
        Some(total) if offset == own_offset => {
            if extent.reserved < total as u64 {
                return Err(shape.refuse("its memory is not reserved"));
            }
            Ok((count, total))
        }
        _ => Err(shape.refuse(format!(
            "its header speaks of {count} elements, which do not fit into its {} bytes",
            extent.len
        ))),
    }
}
