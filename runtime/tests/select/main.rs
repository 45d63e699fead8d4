//! `select` as a user sees it: each kind of thing alone and all in one call, among many who wait, and when one of those dies.

#[macro_use]
mod support;

mod company;
mod cpython;
mod death;
mod idle;
mod jobs;
mod kinds;
mod mixed;
