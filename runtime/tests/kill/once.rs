//! Scenes of `once`: to come.

use crate::scenes::Entry;

pub(crate) const SCENES: &[Entry] = &[];
