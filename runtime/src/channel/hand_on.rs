//! How queues travel: as a descriptor that counts as a holder from the moment that it is sent.

use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::core::Core;
use super::desk::Desks;
use super::joinable::JoinableQueue;
use super::queue::Queue;
use crate::Shared;
use crate::wire::{explain, export, import};

impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let descriptor = self.core.hand_on().map_err(|error| S::Error::custom(explain(error)))?;
        export(&descriptor).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = import(u32::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let core = Core::attach(descriptor).map_err(|error| D::Error::custom(explain(error)))?;
        Ok(Self { core: Arc::new(core) })
    }
}

impl<T> Serialize for JoinableQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.queue, &self.queue.core.desks).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for JoinableQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (queue, desks): (Queue<T>, Option<Shared<Desks>>) =
            Deserialize::deserialize(deserializer)?;
        let parts = Arc::into_inner(queue.core).zip(desks);
        parts
            .map(|(core, desks)| Self::of(core, desks))
            .ok_or_else(|| D::Error::custom(explain("its jobs in progress did not come with it")))
    }
}
