//! What the macros accept: every kind of function, argument, result and place, called as a plain
//! function, prepared as a task, and run as a process.

#![forbid(unsafe_code)]

mod macros {
    mod arguments;
    mod class;
    mod places;
    mod results;
    mod shared;
    mod strict;
}
