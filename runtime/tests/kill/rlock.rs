//! Scenes of `rlock`: to come.

use crate::scenes::Entry;

pub(crate) const SCENES: &[Entry] = &[];
