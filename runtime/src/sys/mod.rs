//! The kernel, one facility a file: owned types in and out, no policy.
//!
//! - [`futex`]: sleep on a word of shared memory and wake its sleepers
//! - [`map`]: a mapping that unmaps itself
//! - [`memfd`]: anonymous memory behind a descriptor
//! - [`robust`]: the kernel's list of the locks that a thread holds

pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod map;
pub(crate) mod memfd;
pub(crate) mod robust;
