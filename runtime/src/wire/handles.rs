//! How the handles of the crate root travel: as the shared memory that they lead to, or by the name that it has.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::handle::explain;
use crate::sync::handles::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore};
use crate::{NameError, Shared, SharedMemory};

macro_rules! travels {
    ($($name:ty)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.shared().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Shared::deserialize(deserializer).map(Self::from)
            }
        }
    )*};
}

travels! { Barrier BoundedSemaphore Condition Event Lock RLock Semaphore }

impl Serialize for SharedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let missing = || NameError::missing(self.name());
        let identity = self.identity().ok_or_else(|| S::Error::custom(explain(missing())))?;
        (self.name(), identity).serialize(serializer)
    }
}

/// The name may lead to another one by then, or nowhere.
impl<'de> Deserialize<'de> for SharedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, identity) = <(String, (u64, u64))>::deserialize(deserializer)?;
        Self::open_same(&name, identity).map_err(|error| D::Error::custom(explain(error)))
    }
}
