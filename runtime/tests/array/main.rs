//! Arrays as a user sees them: elements that are always whole, and pieces that are one holder's alone, whoever waits, sends, ends or
//! is killed.

#[macro_use]
#[path = "../sync_types/support.rs"]
mod support;

mod aliases;
mod copies;
mod cpython;
mod death;
mod descriptors;
mod elements;
mod fuzz;
mod pieces;
mod sharing;
mod travel;
mod waiting;
