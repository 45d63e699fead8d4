//! Runs every example and looks at what it prints: the lessons promise that, word for word.
//!
//! What may differ from run to run, pids and the order of lines of processes that run side by side,
//! is looked at for what it must be whatever happens. The end of a program's output is waited for, and
//! comes only when every process that inherited it has ended: nothing stays behind either.

mod channels;
mod counting;
mod deaths;
mod lessons;
mod locks;
mod pictures;
mod program;
