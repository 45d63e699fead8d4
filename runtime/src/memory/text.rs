//! `Text<N>`: a string with room for N bytes, all of them in place.
//!
//! Bytes are appended behind the text before its length tells of them, and taken away by the length alone: whoever is
//! killed in between leaves the text as it was before or as it is after. Nothing that is read is believed: a length
//! beyond the room counts as the room, and bytes that are no text (half of an assignment, say) end it.
//!
//! # Safety
//! `Text` is a number and bytes, every pattern of which is valid.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher as StdHasher};
use std::hint::black_box;
use std::ops::Deref;
use std::str::{self, FromStr};

use super::full::Full;
use super::layout::Hasher;
use super::shareable::Shareable;

/// A string of at most `N` bytes that may live in shared memory, where a `String` may not.
///
/// It derefs to [`str`](prim@str). What it has no room for is refused and changes nothing.
///
/// # Fork and death
/// A process that is killed inside `push` or `push_str` leaves the text as it was before or as it is after. When it
/// is killed while it assigns a whole `Text`, parts of both may be there; what of them is no text is left out.
///
/// # Examples
/// ```
/// use offspring::sync::Mutex;
/// use offspring::{Shared, Text};
///
/// let title = Shared::new(Mutex::new(Text::<16>::new()))?;
/// title.lock()?.push_str("Grüße")?;
/// assert_eq!(*title.lock()?, "Grüße");
/// assert!(title.lock()?.push_str(" an alle daheim").is_err());
/// assert_eq!(title.lock()?.len(), 7);
/// # Ok::<(), offspring::Error>(())
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text<const N: usize> {
    len: usize,
    bytes: [u8; N],
}

// SAFETY: a number and bytes.
#[diagnostic::do_not_recommend]
unsafe impl<const N: usize> Shareable for Text<N> {
    const LAYOUT: u64 = Hasher::start("Text").of::<Self>().word(N as u64).finish();
}

impl<const N: usize> Text<N> {
    /// No text yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, bytes: [0; N] }
    }

    /// How many bytes there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = &self.bytes[..self.len.min(N)];
        str::from_utf8(bytes).unwrap_or_else(|error| {
            str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        })
    }

    /// Appends a character.
    ///
    /// # Errors
    /// [`Full`] with the character when there is no room for all of its bytes.
    pub fn push(&mut self, character: char) -> Result<(), Full<char>> {
        self.push_str(character.encode_utf8(&mut [0; 4])).map_err(|Full(())| Full(character))
    }

    /// Appends a text, all of it or nothing.
    ///
    /// # Errors
    /// [`Full`] when there is no room for all of it.
    pub fn push_str(&mut self, text: &str) -> Result<(), Full> {
        let start = self.as_str().len();
        let end = start.checked_add(text.len()).ok_or(Full(()))?;
        let room = self.bytes.get_mut(start..end).ok_or(Full(()))?;
        room.copy_from_slice(text.as_bytes());
        // Else the compiler could write the length first.
        black_box(&mut *self).len = end;
        Ok(())
    }

    /// Takes the last character away.
    pub fn pop(&mut self) -> Option<char> {
        let last = self.chars().next_back()?;
        self.len = self.as_str().len() - last.len_utf8();
        Some(last)
    }

    /// Keeps the first `len` bytes; a shorter text stays as it is.
    ///
    /// A character that `len` would cut in two goes as well.
    pub fn truncate(&mut self, len: usize) {
        let text = self.as_str();
        self.len = (0..=len.min(text.len())).rfind(|&end| text.is_char_boundary(end)).unwrap_or(0);
    }

    /// Takes all of the text away.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> TryFrom<&str> for Text<N> {
    type Error = Full;

    fn try_from(text: &str) -> Result<Self, Full> {
        let mut all = Self::new();
        all.push_str(text)?;
        Ok(all)
    }
}

impl<const N: usize> FromStr for Text<N> {
    type Err = Full;

    fn from_str(text: &str) -> Result<Self, Full> {
        Self::try_from(text)
    }
}

/// For `write!`: what has no room is refused, a piece at a time.
impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text).map_err(|_| fmt::Error)
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> AsRef<str> for Text<N> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl<const N: usize> Borrow<str> for Text<N> {
    fn borrow(&self) -> &str {
        self
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<const N: usize, const M: usize> PartialEq<Text<M>> for Text<N> {
    fn eq(&self, other: &Text<M>) -> bool {
        **self == **other
    }
}

impl<const N: usize> Eq for Text<N> {}

macro_rules! equal_to {
    ($($other:ty)*) => {$(
        impl<const N: usize> PartialEq<$other> for Text<N> {
            fn eq(&self, other: &$other) -> bool {
                **self == **other
            }
        }

        impl<const N: usize> PartialEq<Text<N>> for $other {
            fn eq(&self, other: &Text<N>) -> bool {
                **self == **other
            }
        }
    )*};
}

equal_to! { &str String }

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(other)
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: StdHasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
