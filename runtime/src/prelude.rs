//! What most programs need: `use offspring::prelude::*;`.

pub use std::time::Duration;

pub use crate::sync::Mutex;
pub use crate::{Process, Shared, Task, daemon, join, message, preload, process, shared};
