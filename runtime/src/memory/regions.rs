//! Which addresses of this process are shared memory of ours.
//!
//! A lock asks once in its life whether it lies in a segment: only then may it be put on the kernel's list of held
//! locks, because only a segment stays mapped while a lock in it is held (`sys::robust`, Invariant 1): for the rest of
//! the process, if a thread ended with a guard that it forgot.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::thread;

use crate::sys::map::Mapping;
use crate::sys::{held, robust};

/// Never held across anything that can panic or block.
static REGIONS: RwLock<Regions> =
    RwLock::new(Regions { lengths: BTreeMap::new(), lingering: Vec::new() });

struct Regions {
    /// First address and length of each mapped segment.
    lengths: BTreeMap<usize, usize>,
    /// Segments without a handle, in which a lock is held.
    lingering: Vec<Mapping>,
}

impl Regions {
    fn write() -> RwLockWriteGuard<'static, Self> {
        REGIONS.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unmaps what can be unmapped by now.
    fn sweep(&mut self) {
        let Self { lengths, lingering } = self;
        lingering.retain(|mapping| {
            let (start, len) = (mapping.start().addr().get(), mapping.len());
            // Nobody takes part any more in what has no handle. Other threads find that out here, too, or end. One that
            // panics has not left of itself: if that is the end of its process, the others are told.
            if !thread::panicking() {
                robust::withdraw_within(start, len);
            }
            let stays = held::any_within(start, len);
            if !stays {
                lengths.remove(&start);
            }
            stays
        });
    }
}

/// From now on these addresses are shared memory.
pub(crate) fn enter(mapping: &Mapping) {
    let mut regions = Regions::write();
    // Exposed: a thread that ends finds its locks again by their addresses.
    let start = mapping.start().as_ptr().expose_provenance();
    regions.lengths.insert(start, mapping.len());
    regions.sweep();
}

/// These addresses have no handle any more: they are unmapped, at once if no lock in them is held.
pub(crate) fn leave(mapping: Mapping) {
    let mut regions = Regions::write();
    regions.lingering.push(mapping);
    regions.sweep();
}

/// Whether this address lies in a segment.
pub(crate) fn contain(address: usize) -> bool {
    let regions = REGIONS.read().unwrap_or_else(PoisonError::into_inner);
    let region = regions.lengths.range(..=address).next_back();
    region.is_some_and(|(start, len)| address - start < *len)
}

/// What lies at this address, by names that are the same in all processes that share it: the inode of the memory, with its device
/// folded in, and how far into it; `None` for memory of this process alone.
pub(crate) fn object_of(address: usize) -> Option<(u64, u64)> {
    if !contain(address) {
        return None;
    }
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        // `7f0000000000-7f0000001000 rw-s 00000000 00:01 2051   /memfd:offspring (deleted)`
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).ok());
        let (start, offset) = (start?, u64::from_str_radix(fields.nth(1)?, 16).ok()?);
        let (major, minor) = fields.next()?.split_once(':')?;
        let [major, minor] = [major, minor].map(|text| u64::from_str_radix(text, 16).ok());
        let device = major? << 20 ^ minor?;
        let inode = device.rotate_right(24) ^ fields.next()?.parse::<u64>().ok()?;
        let inside = (start..end?).contains(&address);
        inside.then(|| (inode, offset + (address - start) as u64))
    })
}
