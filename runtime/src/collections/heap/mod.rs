//! Memory for what grows and shrinks, in which every change is made as a whole or not at all, whenever a process dies.
//!
//! - [`ledger`]: a lock with a journal, and a sequence for those who only read
//! - [`arena`]: the memory, and the addresses of what is in it; [`control`]: what stands at its beginning
//! - [`block`]: what every block begins with; [`buddy`]: blocks to have and to give back
//! - [`object`]: collections inside of collections, and [`holders`]: which processes have a handle of one
//! - [`table`]: a word that leads to a collection's items

pub(crate) mod arena;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod buddy;
pub(crate) mod control;
pub(crate) mod holders;
pub(crate) mod ledger;
pub(crate) mod object;
pub(crate) mod table;
#[cfg(test)]
mod tests;

pub(crate) use arena::Arena;
pub(crate) use block::Ref;
