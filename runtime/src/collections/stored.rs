//! Values that do not stand in place: their bytes in a block, and what they refer to.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rustix::io::Errno;

use super::fault::Fault;
use super::files;
use super::heap::block::{Block, HEADER, State};
use super::heap::buddy::order_for;
use super::heap::ledger::Inside;
use super::heap::{Arena, Ref};
use super::nest::{self, References};
use crate::Result;
use crate::wire::{Message, Pack, Unpack};

/// A value's bytes begin with the paths of its handles that are none of collections.
type Paths = Vec<String>;

/// Bytes that the journals of collections have room for.
const SMALL: usize = 256;
/// Most values take no more than so many bytes.
const ROOM: usize = 120;

/// A value, or a row of them, ready to be put into a block.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) references: References,
}

/// A value as it is kept in this memory.
pub(crate) fn encode<T: Message>(value: &T, arena: &Arc<Arena>, name: &str) -> Result<Encoded> {
    packed(arena, name, |pack| pack.put(value, name))
}

/// A key and its value as they are kept in this memory.
pub(crate) fn encode_pair<K: Message, V: Message>(
    (key, value): (&K, &V),
    arena: &Arc<Arena>,
) -> Result<Encoded> {
    packed(arena, "value", |pack| {
        pack.put(key, "key");
        pack.put(value, "value");
    })
}

fn packed(arena: &Arc<Arena>, name: &str, put: impl FnOnce(&mut Pack)) -> Result<Encoded> {
    let mut pack = Pack::with_room(ROOM);
    // No paths: one byte.
    pack.put(&Paths::new(), name);
    let ((), references) = nest::storing(arena, || put(&mut pack));
    let (mut bytes, descriptors) = pack.finish()?;
    if !descriptors.is_empty() {
        let mut with_paths = Pack::new();
        with_paths.put(&files::paths_of(&descriptors, name)?, name);
        let (paths, _) = with_paths.finish()?;
        bytes.splice(..1, paths);
    }
    Ok(Encoded { bytes, references })
}

/// A value out of bytes that are not believed, and what they refer to.
pub(crate) fn decode<T: Message>(
    bytes: &[u8],
    refs: Vec<Ref>,
    arena: &Arc<Arena>,
    name: &str,
) -> Result<T> {
    decode_row(bytes, refs, arena, name, |row| row.take(name))
}

/// What `take` takes out of bytes that are not believed.
pub(crate) fn decode_row<R>(
    bytes: &[u8],
    refs: Vec<Ref>,
    arena: &Arc<Arena>,
    name: &str,
    take: impl FnOnce(&mut Unpack<'_>) -> Result<R>,
) -> Result<R> {
    let mut row = match bytes {
        [0, bytes @ ..] => Unpack::new(bytes, Vec::new()),
        _ => {
            let mut row = Unpack::new(bytes, Vec::new());
            let paths: Paths = row.take(name)?;
            row.with_descriptors(files::open(&paths, name)?)
        }
    };
    if refs.is_empty() { take(&mut row) } else { nest::reading(arena, refs, || take(&mut row)) }
}

/// Puts bytes into a new block, which `into` names from now on.
pub(crate) fn put(arena: &Arena, encoded: &Encoded, into: &AtomicU64) -> Result<Ref, Fault> {
    let place = arena.allocate(encoded.bytes.len(), &encoded.references.refs, into)?;
    write(content(arena, place)?.0, &encoded.bytes);
    Ok(place)
}

/// Puts few bytes over those of a block, by way of the journal. False: they do not fit, or too well, or there are references.
#[inline]
pub(crate) fn replace<const LOG: usize>(
    arena: &Arena,
    encoded: &Encoded,
    place: Ref,
    inside: &Inside<'_, LOG>,
) -> Result<bool, Fault> {
    let block = arena.block(place)?;
    let len = encoded.bytes.len();
    let is_small = len <= SMALL && encoded.references.refs.is_empty() && block.lens().1 == 0;
    let Some(State::Used { order }) = block.state().filter(|_| is_small) else { return Ok(false) };
    // A block that is much too large is given back.
    if order_for(len).is_none_or(|least| !(least..=least + 1).contains(&order)) {
        return Ok(false);
    }
    let words = arena.payload(place, len)?;
    let mut change = inside.change(arena);
    change.note(&block.detail)?;
    change.note_all(words)?;
    change.open();
    change.set(&block.detail, Block::lens_word(len, 0));
    write(words, &encoded.bytes);
    change.commit();
    Ok(true)
}

fn write(words: &[AtomicU64], bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks::<8>();
    for (word, bytes) in words.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*bytes), Relaxed);
    }
    if let (Some(word), false) = (words.get(whole.len()), rest.is_empty()) {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        word.store(u64::from_ne_bytes(last), Relaxed);
    }
}

/// The words of a block that hold bytes, and how many bytes they are.
#[inline]
fn content(arena: &Arena, place: Ref) -> Result<(&[AtomicU64], usize), Fault> {
    let block = arena.block(place)?;
    let (len, refs) = block.lens();
    let before = refs.next_multiple_of(2) * 4;
    let all = before.checked_add(len).ok_or(Fault::Overwritten)?;
    match block.state() {
        Some(State::Used { order }) if all <= (1 << order) - HEADER => {}
        _ => return Err(Fault::Overwritten),
    }
    Ok((&arena.payload(place, all)?[before / 8..], len))
}

/// What a reader that is not inside has found.
pub(crate) enum Glimpse {
    Bytes(Vec<u8>),
    /// It refers to something, for which one has to be inside.
    GoIn,
}

/// The bytes of a block, for a reader that is not inside; `None` if it `is_still` what it was no more.
///
/// Asked before anything is made of its length, too: that of a block that is something else by now may be anything.
#[inline]
pub(crate) fn glimpse(
    arena: &Arena,
    place: Ref,
    is_still: impl Fn() -> bool,
) -> Result<Option<Glimpse>, Fault> {
    let (words, len) = content(arena, place)?;
    let (_, refs) = arena.block(place)?.lens();
    if !is_still() {
        return Ok(None);
    }
    if refs > 0 {
        return Ok(Some(Glimpse::GoIn));
    }
    let bytes = copy(words, len)?;
    Ok(is_still().then_some(Glimpse::Bytes(bytes)))
}

/// The bytes of a block, for one who is inside.
pub(crate) fn all_bytes(arena: &Arena, place: Ref) -> Result<Vec<u8>, Fault> {
    let (words, len) = content(arena, place)?;
    copy(words, len)
}

fn copy(words: &[AtomicU64], len: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let no_memory = |_| Fault::System(Errno::NOMEM);
    bytes.try_reserve_exact(len.next_multiple_of(8)).map_err(no_memory)?;
    words.iter().for_each(|word| bytes.extend_from_slice(&word.load(Relaxed).to_ne_bytes()));
    bytes.truncate(len);
    Ok(bytes)
}
