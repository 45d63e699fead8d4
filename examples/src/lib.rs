//! Holds the examples beside it; has no code of its own.
