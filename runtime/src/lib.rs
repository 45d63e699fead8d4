//! Annotate a plain function, get a process; annotate a plain struct, get shared memory.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!("offspring runs on 64-bit Linux with glibc only");

// Lets the code that the macros write say `offspring::...` inside this crate as well.
#[allow(unused_extern_crates, reason = "used by what macros write")]
extern crate self as offspring;

mod error;
mod join;
mod memory;
pub mod prelude;
pub mod process;
pub mod sync;
mod sys;
mod wire;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use error::{Error, Result};
pub use memory::{Shareable, Shared, SharedStatic};
pub use offspring_macros::{daemon, message, preload, process, shared};
pub use process::{
    ExitStatus, JoinError, Panic, Process, ProcessInfo, Signal, StartMethod, Stdio, Task, cpu_count,
    set_start_method,
};
pub use wire::{Message, RemoteError};
