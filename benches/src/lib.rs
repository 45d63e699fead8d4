//! What the benchmarks share: every measurement is taken by an agent, a process of its own.
//!
//! Criterion's process grows with every result that it analyses, and a fork costs what its parent is
//! big. So criterion only counts: for each number it asks an [`Agent`], a fresh start of the same
//! executable that is in the shape to be measured (small, big, with threads) and in no other, does
//! the work so many times and answers with the nanoseconds. CPython's agent is a script that speaks
//! the same protocol.
//!
//! - [`way`]: the ways to start a process, ours and the rivals'
//! - [`shape`]: the states that a process may be in when it starts another
//! - [`agent`]: asking an agent, and being one
//! - [`start`]: what the agent does, once per way
//! - [`resident`]: memory that is really there
//! - [`crew`]: processes or threads that start together and are timed until the last is done
//! - `family`: the same for processes of ours
//! - [`memory`]: values in memory that forked children share
//! - [`lock`], [`queue`], [`dict`]: the same for locks and their kin, for queues, and for collections
//! - [`report`]: the medians of a run as a Markdown table

pub mod agent;
pub mod crew;
pub mod dict;
mod family;
pub mod lock;
pub mod memory;
pub mod queue;
pub mod report;
pub mod resident;
pub mod shape;
pub mod start;
pub mod way;

pub use agent::Agent;
pub use shape::Shape;
pub use way::Way;

/// What the measuring code gives: an error here ends the run, whatever it is.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
