//! What a segment of shared memory is, what may live in it, and who holds it.
//!
//! - [`layout`]: the number that says whether two sides mean the same type
//! - [`shareable`]: which types may live in shared memory
//! - [`segment`]: one sealed object of memory, its header, and its mapping in this process
//! - [`regions`]: which addresses of this process are shared memory of ours
//! - [`owner`]: is the thread that a lock names still there, and in which process?
//! - [`room`]: how much memory there is to take
//! - [`text`], [`seq`]: [`Text<N>`] and [`Seq<T, N>`], a string and a vector in place; [`full`]: their refusal
//! - [`shared`]: [`Shared<T>`], `Arc` across processes
//! - [`named`]: memory that others find by a name; [`SharedMemory`]
//! - [`statics`]: `#[shared] static`, one variable for the whole family of processes

mod full;
pub mod layout;
pub(crate) mod named;
pub(crate) mod owner;
pub(crate) mod regions;
pub(crate) mod room;
pub(crate) mod segment;
mod seq;
mod shareable;
mod shared;
pub(crate) mod statics;
#[cfg(test)]
mod tests;
mod text;

pub use full::Full;
pub use named::{NameError, SharedMemory};
pub use seq::Seq;
pub use shareable::Shareable;
pub use shared::Shared;
pub use statics::{STATICS, SharedStatic, StaticInit, StaticSlot};
pub use text::Text;
