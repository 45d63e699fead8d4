//! `Dict`, `List`, `Value` and `Namespace`: what their documentation says, in one process and in several.

#[macro_use]
#[path = "../sync_types/support.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod support;

mod churn;
mod cpython;
mod dict;
mod full;
mod fuzz;
mod list;
mod manager;
mod model;
mod namespace;
mod nested;
mod samples;
mod sharing;
mod travel;
mod value;
