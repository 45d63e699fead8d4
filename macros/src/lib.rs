//! The attributes of offspring: entry points only.
