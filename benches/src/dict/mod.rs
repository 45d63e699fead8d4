//! What the benchmark of collections measures, and who takes part.
//!
//! As for queues, an agent of its own takes each measurement, with its workers ready.
//!
//! - [`case`]: what is done; [`rival`]: who does it
//! - [`record`]: keys, values and the order in which they come, the same for all
//! - [`work`]: what every rival is brought to, and what its workers do
//! - [`ours`]: our side; [`threads`], [`lmdb`], [`redis`]: the rivals, and [`codec`], how two of them write values
//! - [`agent`]: from a case and a rival to nanoseconds
//! - [`table`]: the medians of a run as Markdown; [`promise`]: what we ask of them

pub mod agent;
pub mod case;
pub mod codec;
pub mod lmdb;
pub mod ours;
pub mod promise;
pub mod record;
pub mod redis;
pub mod rival;
pub mod table;
pub mod threads;
pub mod work;

pub use case::Case;
pub use rival::Rival;
