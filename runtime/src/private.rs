//! What the macros expand into; not for use by hand, and free to change with every version.

pub use linkme;
pub use serde;

pub use crate::collections::SHAREABLE;
pub use crate::collections::audit;
pub use crate::join::{Joined, Started, started};
pub use crate::memory::layout;
pub use crate::memory::{STATICS, StaticInit, StaticSlot};
pub use crate::process::{Code, ENTRIES, Entry, PRELOADS, Preload, Restart, Run, Settings, task};
pub use crate::sync::methods::Locked;
pub use crate::wire::{Argument, ByNothing, BySerde, ByText, Pack, Reply, Return, Unpack};
