//! `Dict`, `List`, `Value` and `Namespace`: what their documentation says, in one process and in several.

#[macro_use]
#[path = "../sync_types/support.rs"]
mod support;

mod churn;
mod dict;
mod full;
mod list;
mod manager;
mod namespace;
mod nested;
mod samples;
mod sharing;
mod travel;
mod value;
