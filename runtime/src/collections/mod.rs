//! Collections in shared memory.

pub(crate) mod array;
