//! Scenes of `condvar`: to come.

use crate::scenes::Entry;

pub(crate) const SCENES: &[Entry] = &[];
