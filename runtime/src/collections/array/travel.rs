//! How arrays and their pieces are sent.
//!
//! An array is a descriptor, as `Shared` is. A piece is a descriptor and two numbers; which of the two sides has it is decided by the
//! kernel, and not by what was written where:
//!
//! ```text
//! sender                                     receiver
//! Serialize: opens an heir, which has nothing; exports it
//!   (sends, or fails to, or sends it twice)
//! Drop: inside, the range goes to the heir  Deserialize: inside, takes from the heir what that has,
//!                                             and the range for itself, if nobody has it: else naps
//! ```
//! - While the sender has its piece, nobody else gets it, so that a slice of it, or a failed sending, is nothing to fear.
//! - A message that is lost takes the heir's last descriptor along, and the range is free.
//! - Of several receivers one has it at a time, and the others get an error: they cannot have the range as well.
//! - Killed after it was sent and before the drop, the sender leaves a range that nobody has; it is the receiver's if nobody
//!   else was faster.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::chunk::Chunk;
use super::core::Core;
use super::handle::Array;
use crate::memory::Shareable;
use crate::sys::memfd;
use crate::wire::{explain, export, import};
use crate::{Error, Result};

impl<T> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        export(self.core.descriptor()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = import(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let core = Core::attach(descriptor).map_err(|error| D::Error::custom(explain(error)))?;
        Ok(Self { core })
    }
}

impl<T> Serialize for Chunk<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.loan.is_here() {
            return Err(S::Error::custom(explain(
                "it is a piece of an array that the process has of which this one is a copy",
            )));
        }
        let heir = self.heir().map_err(|error| S::Error::custom(explain(error)))?;
        let place = export(&heir).map_err(S::Error::custom)?;
        (place, self.range().start as u64, self.range().end as u64).serialize(serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Chunk<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (place, start, end) = <(u32, u64, u64)>::deserialize(deserializer)?;
        let heir = import(place).map_err(D::Error::custom)?;
        let refused = |error: Error| {
            D::Error::custom(match error {
                Error::Lent { .. } => explain(
                    "its sender, or somebody else, has this piece of the array: it is passed by value, and to one receiver",
                ),
                error => explain(error),
            })
        };
        let core = array_of(heir.as_fd()).map_err(refused)?;
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let Some((start, end)) = range.filter(|(start, end)| start < end && *end <= core.len())
        else {
            return Err(D::Error::custom(explain("there are no such elements in its array")));
        };
        let loan = core.inherit(&heir, &(start..end)).map_err(refused)?;
        Ok(Self::new(Arc::new(loan), start..end))
    }
}

/// The array that a descriptor with a range belongs to.
fn array_of<T: Shareable>(heir: BorrowedFd<'_>) -> Result<Arc<Core<T>>> {
    if let Some(known) = Core::known(heir)? {
        return Ok(known);
    }
    // Another one: a mapping of the heir would keep it, and what it has.
    Core::attach(memfd::reopen(heir).map_err(Error::system("open an array"))?)
}
