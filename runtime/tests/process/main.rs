//! Processes, seen through the public interface: what comes back, how they end, who they are.
//!
//! The harness runs threads, which forbids `StartMethod::Fork`, so that most tests run in a child of
//! their own, once for each start method: see [`support::under_each_method`].

#[macro_use]
mod support;

mod ambient;
mod arguments;
mod copies;
mod death;
mod detached;
mod explosive;
mod family;
mod handle;
mod options;
mod results;
mod signals;
mod start;
mod supervised;
mod verdicts;
