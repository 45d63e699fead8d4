//! Processes: starting them, waiting for them, being one.
//!
//! A task ([`Task`]) is a call that has not happened; [`Task::spawn`] starts a process for it and gives
//! a [`Process`] to wait for. [`current`], [`parent`] and [`active_children`] say who is there.
//!
//! The attribute of the same name makes a task of a function: [`macro@crate::process`].

// The rooms, from a call to the end of its process:
//
// - `settings`, `task`, `launch`: options, the call, what it takes to start it
// - `entry`: how a function is named across exec
// - `start`: the three ways in which a process comes into being
// - `init`: where an exec'ed process leaves the way to `main`
// - `order`, `child`: what a process is told, and its life
// - `family`: one record for each child; `handle`: what the user holds; `wait`: several at once
// - `supervise`, `keeper`: starting again what died, reaping what nobody waits for
// - `panic`, `join_error`, `status`, `signal`: how it ended
// - `exit`: the end of a process that has children
// - `info`, `names`, `stdio`, `cpu`: who, called what, connected to what, how many at a time
mod child;
mod cpu;
mod entry;
mod exit;
mod family;
mod handle;
mod info;
mod init;
mod join_error;
mod keeper;
mod launch;
mod names;
mod order;
mod panic;
mod settings;
mod signal;
mod start;
mod status;
mod stdio;
mod supervise;
mod task;
mod wait;

pub use cpu::cpu_count;
#[doc(hidden)]
pub use entry::{Code, ENTRIES, Entry, PRELOADS, Preload, Run};
pub use family::active_children;
pub use handle::Process;
pub use info::{ProcessInfo, current, parent};
pub use join_error::JoinError;
pub use panic::Panic;
pub use settings::StartMethod;
#[doc(hidden)]
pub use settings::{Restart, Settings};
pub use signal::Signal;
pub use start::{set_start_method, start_method};
pub use status::ExitStatus;
pub use stdio::Stdio;
pub use task::Task;
#[doc(hidden)]
pub use task::task;
pub use wait::{Waitable, wait_any};
