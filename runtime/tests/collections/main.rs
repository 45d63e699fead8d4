//! `Dict`, `List`, `Value` and `Namespace`: what their documentation says, in one process and in several.

#[macro_use]
#[path = "../sync_types/support.rs"]
mod support;

mod dict;
mod list;
mod nested;
mod samples;
