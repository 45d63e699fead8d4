//! What the benchmarks of queues measure, and who takes part.
//!
//! As for locks, an agent of its own takes each measurement, with its crew of producers and consumers ready.
//!
//! - [`case`]: what is done; [`rival`]: who does it
//! - [`lane`]: what every rival is brought to; [`flow`]: what is measured of it
//! - [`ours`]: our side, and [`family`], its processes
//! - [`threads`], [`sockets`], [`iceoryx`]: the rivals; [`limit`]: what two processors can do at all
//! - [`agent`]: from a case and a rival to nanoseconds; [`mod@bench`]: from there to criterion
//! - [`table`]: the medians of a run as Markdown; [`promise`]: what we ask of them

pub mod agent;
pub mod bench;
pub mod case;
pub mod family;
pub mod flow;
pub mod iceoryx;
pub mod lane;
pub mod limit;
pub mod ours;
pub mod promise;
pub mod rival;
pub mod sockets;
pub mod table;
pub mod threads;

pub use case::Case;
pub use rival::Rival;
