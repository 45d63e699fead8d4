//! `Dict`, `List`, `Value` and `Namespace`: what their documentation says, in one process and in several.

mod nested;
