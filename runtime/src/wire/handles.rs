//! How the handles of the crate root travel: as the shared memory that they lead to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Shared;
use crate::sync::handles::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore};

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
