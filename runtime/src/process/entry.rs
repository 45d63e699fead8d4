//! How a function is named across exec: a registry for plain functions, an offset for generic ones.
//!
//! # Safety
//! The only unsafe act is to turn a checked address into a function pointer: see [`Code::resolve`].
#![allow(unsafe_code, reason = "a generic function is found again by its address")]

use std::fmt;

use linkme::distributed_slice;
use serde::{Deserialize, Serialize};

use crate::sys::image;
use crate::wire::{Reply, Unpack};
use crate::{Error, Result};

/// Takes a task's arguments, runs it, packs its result.
pub type Run = fn(&mut Unpack<'_>) -> Result<Reply>;

/// A plain function that can be a process.
pub struct Entry {
    path: &'static str,
    signature: &'static str,
    run: Run,
}

/// Every plain task of the program, gathered by the linker.
#[distributed_slice]
pub static ENTRIES: [Entry];

/// A function to run when the fork server starts.
pub struct Preload {
    pub(crate) path: &'static str,
    pub(crate) run: fn(),
}

/// Every `#[preload]` function of the program.
#[distributed_slice]
pub static PRELOADS: [Preload];

impl Entry {
    /// An entry of the registry; path and signature together are its key.
    pub const fn new(path: &'static str, signature: &'static str, run: Run) -> Self {
        Self { path, signature, run }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Preload {
    /// An entry of the list.
    pub const fn new(path: &'static str, run: fn()) -> Self {
        Self { path, run }
    }
}

impl fmt::Debug for Preload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preload").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A function as this process knows it.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    /// A plain function, by its entry in the registry.
    Named(&'static Entry),
    /// An instance of a generic function, by its address.
    Generic(&'static str, Run),
}

/// A function as any process of the same build knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CodeName {
    Named { path: String, signature: String },
    Generic { path: String, offset: i64 },
}

impl Code {
    /// A generic function's instance.
    pub const fn generic(path: &'static str, run: Run) -> Self {
        Self::Generic(path, run)
    }

    /// What to call it in another process.
    pub(crate) fn name(&self) -> CodeName {
        match *self {
            Self::Named(Entry { path, signature, .. }) => {
                CodeName::Named { path: (*path).to_owned(), signature: (*signature).to_owned() }
            }
            Self::Generic(path, run) => {
                let offset = (run as usize).wrapping_sub(anchor_address()) as i64;
                CodeName::Generic { path: path.to_owned(), offset }
            }
        }
    }

    /// Where its code is.
    pub(crate) fn address(&self) -> usize {
        match self {
            Self::Named(entry) => entry.run as usize,
            Self::Generic(_, run) => *run as usize,
        }
    }
}

impl CodeName {
    /// The function of this name in this process.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] when this executable has none, or two that cannot be told apart.
    pub(crate) fn resolve(&self) -> Result<Run> {
        match self {
            Self::Named { path, signature } => {
                let mut found =
                    ENTRIES.iter().filter(|one| one.path == path && one.signature == signature);
                match (found.next(), found.next()) {
                    (Some(entry), None) => Ok(entry.run),
                    _ => Err(Error::UnknownTask { path: path.clone() }),
                }
            }
            Self::Generic { path, offset } => {
                let address = anchor_address().wrapping_add(*offset as usize);
                if !image::is_code(address) {
                    return Err(Error::UnknownTask { path: path.clone() });
                }
                let pointer = std::ptr::with_exposed_provenance::<()>(address);
                // SAFETY: (1) the sender computed the offset from a `Run` of the same build: the
                // handshake compared build ids, and children are forked or exec'ed from the same
                // file; (2) the address was just checked to lie in executable code.
                Ok(unsafe { std::mem::transmute::<*const (), Run>(pointer) })
            }
        }
    }
}

/// A function that lies where the loader has put this executable.
fn anchor(_: &mut Unpack<'_>) -> Result<Reply> {
    Err(Error::UnknownTask { path: String::new() })
}

fn anchor_address() -> usize {
    anchor as *const () as usize
}
