//! The refusal of what has no room left.

use std::error::Error as StdError;
use std::fmt;

/// There is no room left; what was to be put in comes back.
///
/// # Examples
/// ```
/// use offspring::{Full, Seq};
///
/// let mut pair = Seq::<u8, 2>::try_from([1, 2])?;
/// assert_eq!(pair.push(3), Err(Full(3)));
/// # Ok::<(), offspring::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T = ()>(
    /// What did not fit.
    pub T,
);

// By hand, because what comes back need not be printable.
impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no room left for it")
    }
}

impl<T> StdError for Full<T> {}

impl<T> From<Full<T>> for crate::Error {
    fn from(_: Full<T>) -> Self {
        Self::Full
    }
}
