//! What the macros expand into; not for use by hand, and free to change with every version.

pub use linkme;
pub use serde;
