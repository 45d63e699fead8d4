//! What the macros expand into; not for use by hand, and free to change with every version.

pub use linkme;
pub use serde;

pub use crate::memory::{STATICS, StaticInit, StaticSlot, layout};
pub use crate::sync::methods::Locked;
