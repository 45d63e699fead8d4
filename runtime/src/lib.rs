//! Annotate a plain function, get a process; annotate a plain struct, get shared memory.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!("offspring runs on 64-bit Linux with glibc only");

// Lets the code that the macros write say `offspring::...` inside this crate as well.
extern crate self as offspring;

mod error;
mod memory;
mod sys;

pub mod sync;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use error::{Error, Result};
pub use memory::{Shareable, Shared, SharedStatic};
