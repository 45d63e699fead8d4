//! Which addresses of this process are shared memory of ours.
//!
//! A lock asks once in its life whether it lies in a segment: only then may it be put on the kernel's list of held
//! locks, because only a segment stays mapped while a lock in it is held (`sys::robust`, Invariant 1).

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::sys::map::Mapping;

/// First address and length of each mapped segment. Never held across anything that can panic or block.
static REGIONS: RwLock<BTreeMap<usize, usize>> = RwLock::new(BTreeMap::new());

/// From now on these addresses are shared memory.
pub(crate) fn enter(mapping: &Mapping) {
    let mut regions = REGIONS.write().unwrap_or_else(PoisonError::into_inner);
    regions.insert(mapping.start().addr().get(), mapping.len());
}

/// These addresses are about to be unmapped.
pub(crate) fn leave(mapping: &Mapping) {
    let mut regions = REGIONS.write().unwrap_or_else(PoisonError::into_inner);
    regions.remove(&mapping.start().addr().get());
}

/// Whether this address lies in a segment.
pub(crate) fn contain(address: usize) -> bool {
    let regions = REGIONS.read().unwrap_or_else(PoisonError::into_inner);
    regions.range(..=address).next_back().is_some_and(|(start, len)| address - start < *len)
}
