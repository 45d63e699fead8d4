//! CPython's own tests of its locks and their relatives (Lib/test/_test_multiprocessing.py), said in Rust: the same checks
//! by the same names, for those who come from there. Left out is what has no meaning here; where we promise
//! something else, the test says so.

mod barrier;
mod condition;
mod event;
mod lock;
mod semaphore;
