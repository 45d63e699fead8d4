//! The kernel, one facility a file: owned types in and out, no policy.
//!
//! - [`announce`]: a wake-up that happens even if the waker is killed
//! - [`args`]: the command line that the program sees, and the one that `ps` shows
//! - [`clone`]: new processes out of this one
//! - [`exec`]: starting the own executable again
//! - [`foreign`]: descriptors of another process
//! - [`futex`]: sleep on a word of shared memory and wake its sleepers
//! - [`held`]: which locks each thread of this process holds
//! - [`image`]: what the running executable is
//! - [`limits`]: what a process may use
//! - [`map`]: a mapping that unmaps itself
//! - [`memfd`]: anonymous memory behind a descriptor
//! - [`named`]: message sockets with a file or a name
//! - [`oom`]: has the kernel killed for lack of memory?
//! - [`pidfd`]: handles on processes
//! - [`place`]: where new objects of memory are made
//! - [`poll`]: waiting for descriptors
//! - [`prefetch`]: lines of cache that are about to be written
//! - [`ranges`]: parts of an object that are somebody's alone
//! - [`robust`]: the kernel's list of the locks that a thread holds
//! - [`roll`]: who else holds an object
//! - [`shm`]: memory that has a name
//! - [`signal`]: dispositions, mask, lifeline and deadline of a child
//! - [`socket`]: messages with descriptors
//! - [`standard`]: standard streams and environment of a process being set up

/// This process's id, without the C library in between.
pub(crate) fn own_pid() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get().unsigned_abs()
}

/// Whether this process's parent, which is alive then, is the one of this number.
pub(crate) fn is_parent(pid: u32) -> bool {
    rustix::process::getppid().is_some_and(|it| it.as_raw_nonzero().get().unsigned_abs() == pid)
}

pub(crate) mod announce;
pub(crate) mod args;
pub(crate) mod clone;
pub(crate) mod exec;
pub(crate) mod foreign;
pub(crate) mod futex;
pub(crate) mod held;
pub(crate) mod image;
pub(crate) mod limits;
pub(crate) mod map;
pub(crate) mod memfd;
pub(crate) mod named;
pub(crate) mod oom;
pub(crate) mod pidfd;
pub(crate) mod place;
pub(crate) mod poll;
pub(crate) mod prefetch;
pub(crate) mod ranges;
pub(crate) mod robust;
pub(crate) mod roll;
pub(crate) mod shm;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod stack;
pub(crate) mod standard;
