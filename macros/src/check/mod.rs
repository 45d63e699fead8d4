//! The rules: what may be annotated, and what to write instead of that which may not.
//!
//! - [`function`]: functions that become processes, and what is kept of them
//! - [`generics`]: their generic parameters
//! - [`class`]: blocks whose `run` becomes a process
//! - [`message`]: types that are made serialisable
//! - [`preload`]: functions for the fork server
//! - [`types`]: types that cannot travel to another process
//! - [`confined`]: those of the standard library, by their names
//! - [`carried`]: which of the user's attributes matter to generated items too
//! - [`shared`]: types and statics in shared memory
//! - [`methods`]: methods of shared values

pub(crate) mod carried;
pub(crate) mod class;
pub(crate) mod confined;
pub(crate) mod function;
pub(crate) mod generics;
pub(crate) mod message;
pub(crate) mod methods;
pub(crate) mod preload;
pub(crate) mod shared;
pub(crate) mod types;
