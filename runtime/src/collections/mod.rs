//! Collections in shared memory.
//!
//! - [`heap`]: memory in which every change is made as a whole or not at all
//! - [`object`]: a handle's way to its collection; [`nest`]: how one stands inside of a value of another one
//! - [`in_place`]: values that stand there as they are; [`stored`]: those that do not
//! - [`files`]: handles of other kinds in a value
//! - [`list`]: [`List`]; [`dict`]: [`Dict`]; [`value`]: [`Value`]; [`namespace`]: [`Namespace`]
//! - [`array`]: [`Array`](array::Array), and pieces of it for one holder each
//! - [`audit`]: accounts for all memory
//! - [`fault`]: why nothing was changed, in a register

pub(crate) mod array;
#[doc(hidden)]
pub mod audit;
pub(crate) mod dict;
pub(crate) mod fault;
mod files;
pub(crate) mod heap;
mod in_place;
mod list;
mod namespace;
mod nest;
mod object;
mod stored;
mod value;

#[doc(hidden)]
pub use in_place::SHAREABLE;

pub(crate) use heap::holders::sign_for_copy;

pub use dict::{Dict, IntoKey, Iter as DictIter, Keys as DictKeys, Values as DictValues};
pub use list::{Iter as ListIter, List};
pub use namespace::Namespace;
pub use value::Value;

/// A collection that others can be made in the memory of: a [`List`] or a [`Dict`].
#[allow(private_bounds, reason = "only collections of ours have a memory of that kind")]
pub trait Collection: InArena {}

/// What is in a heap.
pub(crate) trait InArena {
    fn arena(&self) -> &std::sync::Arc<heap::Arena>;
}
