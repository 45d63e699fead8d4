//! [`Array`]: making one, and using its elements one by one.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::chunks::ChunksMut;
use super::core::Core;
use super::element;
use crate::memory::Shareable;
use crate::sync::patience::Patience;
use crate::{Error, Result};

/// A fixed number of elements in shared memory: numbers, or whatever is [`Shareable`] and has no lock in it.
///
/// Handles are cloned and sent like those of [`Shared`](crate::Shared), and lead to the same elements. There are two ways to
/// change them. Anybody may [`get`](Array::get), [`set`](Array::set) and [`update`](Array::update) single ones, or
/// [`read`](Array::read) and [`write`](Array::write) many; each element is always whole. And [`chunks_mut`](Array::chunks_mut)
/// cuts the array into [`Chunk`](crate::Chunk)s, each a `&mut [T]` to whoever has it, which can be sent to a process of its own:
/// so an array is filled in parallel, as fast as memory is.
///
/// ```
/// use offspring::{Array, Chunk, process};
///
/// #[process]
/// fn fill(mut part: Chunk<u64>) {
///     for (number, element) in (part.start()..).zip(part.iter_mut()) {
///         *element = number as u64 * number as u64;
///     }
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let squares = Array::filled(0_u64, 1000)?;
/// for part in squares.chunks_mut(500)? {
///     fill::spawn(part)?;
/// }
/// // Waits until both parts are back.
/// assert!(squares.to_vec()?.iter().enumerate().all(|(i, square)| *square == (i * i) as u64));
/// # Ok(())
/// # }
/// ```
///
/// # While pieces are out
/// What is in a piece is its holder's alone. Whoever wants one of those elements waits until the piece has come back: it does when it
/// is dropped, when its holder ends, however that is, or when it gets lost on its way. A process that has such a piece itself
/// would wait for itself: it gets [`Error::Lent`] instead. [`try_get`](Array::try_get), [`try_to_vec`](Array::try_to_vec) and
/// [`try_chunks_mut`](Array::try_chunks_mut) never wait, [`wait_timeout`](Array::wait_timeout) not for ever. All other elements can be
/// used meanwhile, if not as fast: the kernel is asked each time.
///
/// # Which elements
/// To be read, elements are `Copy`; [`set`](Array::set), [`update`](Array::update) and pieces are there for all. An element that is
/// as long as it is aligned, up to 8 bytes (`u8` to `u64`, `f64`, `bool`, `char`), is read and written by one instruction; others by
/// several, and whoever reads does so again if somebody wrote meanwhile. Readers are in nobody's way.
///
/// # Fork and death
/// Killed at any instruction of `set` or `update`, a process leaves the element as before or as after, and the array free to be
/// used. [`write`](Array::write) and [`fill`](Array::fill) go element by element, from the first to the last, and end where they
/// are killed. What was written in a piece stays written.
pub struct Array<T> {
    pub(super) core: Arc<Core<T>>,
}

impl<T: Shareable> Array<T> {
    /// Makes an array of `len` elements: what `make` returns for 0, 1, 2, and so on.
    ///
    /// # Errors
    /// [`Error::System`] when there is no memory or no descriptor left; never a signal later.
    ///
    /// # Panics
    /// When `make` does; the memory is given back.
    pub fn from_fn(len: usize, make: impl FnMut(usize) -> T) -> Result<Self> {
        Core::from_fn(len, make).map(|core| Self { core })
    }

    /// Makes an array of these elements.
    ///
    /// # Errors
    /// As for [`from_fn`](Array::from_fn).
    ///
    /// # Examples
    /// ```
    /// let primes = offspring::Array::from([2, 3, 5, 7])?;
    /// assert_eq!(primes.get(2), Some(5));
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn from<const N: usize>(elements: [T; N]) -> Result<Self> {
        Self::from_iter(elements)
    }

    /// Makes an array of what an iterator gives.
    ///
    /// # Errors
    /// As for [`from_fn`](Array::from_fn).
    #[allow(clippy::should_implement_trait, reason = "it can fail, as the trait cannot")]
    #[allow(clippy::missing_panics_doc, reason = "there are as many as were counted")]
    pub fn from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self> {
        let elements: Vec<T> = elements.into_iter().collect();
        let mut left = elements.into_iter();
        Self::from_fn(left.len(), |_| left.next().expect("as many as were counted"))
    }

    /// Lends all of it, to be cut into pieces of `size`.
    fn lend(&self, size: usize, patience: Patience) -> Result<ChunksMut<T>> {
        if size == 0 {
            let action = "cut an array into pieces of no elements";
            return Err(Error::system(action)(Errno::INVAL));
        }
        let all = 0..self.len();
        Ok(ChunksMut::new(self.core.lend(&all, patience)?, all, size))
    }

    /// Cuts the whole array into pieces of `size` elements, the last one shorter if need be, each for its holder alone. Waits
    /// until all pieces that are out have come back.
    ///
    /// The iterator has what was not taken from it yet, and gives it back when it is dropped. A piece takes no descriptor until it
    /// is sent.
    ///
    /// # Errors
    /// [`Error::Lent`] when this process has a piece; [`Error::System`] when `size` is 0, or there is no descriptor left;
    /// [`Error::Lock`] inside of [`update`](Array::update).
    ///
    /// # Fork and death
    /// A process that dies with the iterator, or with pieces, gives them back by that.
    ///
    /// # Examples
    /// ```
    /// use offspring::Array;
    ///
    /// let rows = Array::filled(0, 10)?;
    /// for mut row in rows.chunks_mut(4)? {
    ///     let number = row.start() / 4;
    ///     row.fill(number);
    /// }
    /// assert_eq!(rows.to_vec()?, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    pub fn chunks_mut(&self, size: usize) -> Result<ChunksMut<T>> {
        self.lend(size, Patience::Endless)
    }

    /// As [`chunks_mut`](Array::chunks_mut), but never waits.
    ///
    /// # Errors
    /// As for `chunks_mut`; [`Error::Lent`] also when others have pieces.
    pub fn try_chunks_mut(&self, size: usize) -> Result<ChunksMut<T>> {
        self.lend(size, Patience::None)
    }
}

impl<T: Shareable + Copy> Array<T> {
    /// Makes an array of `len` times the same element.
    ///
    /// # Errors
    /// As for [`from_fn`](Array::from_fn).
    pub fn filled(element: T, len: usize) -> Result<Self> {
        Self::from_fn(len, |_| element)
    }

    /// Makes an array of a copy of these elements.
    ///
    /// # Errors
    /// As for [`from_fn`](Array::from_fn).
    pub fn from_slice(elements: &[T]) -> Result<Self> {
        Self::from_fn(elements.len(), |index| elements[index])
    }
}

impl<T> Array<T> {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two handles lead to the same array, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        // One that comes to this process again is found to be the one that is here.
        Arc::ptr_eq(&self.core, &other.core)
    }

    fn check(&self, index: usize) -> Result<Range<usize>> {
        let len = self.len();
        if index < len { Ok(index..index + 1) } else { Err(Error::OutOfBounds { index, len }) }
    }

    /// Replaces the element, in one step; gives what it was. Waits while it is in a piece.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] when there is no such element, [`Error::Lent`] when this process has it in a piece, [`Error::Lock`]
    /// inside of [`update`](Array::update).
    ///
    /// # Fork and death
    /// Killed at any instruction, the caller leaves the element as before or as after.
    #[track_caller]
    pub fn set(&self, index: usize, element: T) -> Result<T> {
        let range = self.check(index)?;
        let inside = self.core.await_return(self.core.enter()?, &range, Patience::Endless)?;
        let before = self.core.look(index);
        inside.put(index, &MaybeUninit::new(element));
        Ok(element::value(before))
    }

    /// Changes the element, in one step; gives what `change` returns, or `None` when there is no such element. Waits while it is
    /// in a piece.
    ///
    /// Nobody else changes any element of the array meanwhile. `change` works on a copy: if it panics, nothing has happened. It may
    /// look at other elements of the array, but change none.
    ///
    /// # Errors
    /// [`Error::Lent`] when this process has the element in a piece, [`Error::Lock`] inside of another `update`.
    ///
    /// # Fork and death
    /// Killed at any instruction, also of `change`, the caller leaves the element as before or as after.
    ///
    /// # Examples
    /// ```
    /// let counts = offspring::Array::filled(0_u32, 3)?;
    /// counts.update(1, |count| *count += 1)?;
    /// assert_eq!(counts.to_vec()?, [0, 1, 0]);
    /// assert_eq!(counts.update(3, |count| *count += 1)?, None);
    /// # Ok::<(), offspring::Error>(())
    /// ```
    #[track_caller]
    pub fn update<R>(&self, index: usize, change: impl FnOnce(&mut T) -> R) -> Result<Option<R>> {
        let Ok(range) = self.check(index) else { return Ok(None) };
        let inside = self.core.await_return(self.core.enter()?, &range, Patience::Endless)?;
        let mut element = self.core.look(index);
        let result = change(element::value_mut(&mut element));
        inside.put(index, &element);
        Ok(Some(result))
    }

    /// Whether some elements are in pieces at this moment.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        // A system that does not answer has let nobody have anything either.
        !self.core.is_free(&(0..self.len())).unwrap_or(true)
    }

    /// How many elements are in pieces at this moment.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.core.count_lent(0..self.len()).unwrap_or(0)
    }

    /// Waits until all pieces have come back, at most so long; false says that the time ran out.
    ///
    /// # Errors
    /// [`Error::Lent`] when this process has a piece, [`Error::Lock`] inside of [`update`](Array::update).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        let waited = self.core.with_all(&(0..self.len()), Patience::of(timeout), || ());
        match waited {
            Ok(()) => Ok(true),
            Err(Error::Lent { to_this_process: false }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<T: Copy> Array<T> {
    /// The element, or `None` when there is no such one. Waits while it is in a piece.
    ///
    /// # Panics
    /// When this process itself has the element in a piece, and would wait for ever: read it there.
    /// [`try_get`](Array::try_get) gives that as an error.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        if index >= self.len() {
            return None;
        }
        match self.core.get(index, Patience::Endless) {
            Ok(element) => Some(element),
            Err(error) => panic!("cannot read element {index}: {error}"),
        }
    }

    /// The element, or `None` when there is no such one; never waits.
    ///
    /// # Errors
    /// [`Error::Lent`] when it is in a piece.
    pub fn try_get(&self, index: usize) -> Result<Option<T>> {
        if index >= self.len() {
            return Ok(None);
        }
        self.core.get(index, Patience::None).map(Some)
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

/// Shows the elements, or, while some are in pieces, how many.
impl<T: fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.core.copies() {
            Ok(elements) => {
                let elements: Vec<&T> = elements.iter().map(element::value_ref).collect();
                f.debug_tuple("Array").field(&elements).finish()
            }
            Err(_) => f
                .debug_struct("Array")
                .field("len", &self.len())
                .field("lent", &self.lent())
                .finish_non_exhaustive(),
        }
    }
}
