//! `Queue<T>`: first in, first out, between any number of processes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::error::{
    GetError, GetTimeoutError, PutError, PutTimeoutError, TryGetError, TryPutError,
};
use super::iter::Iter;
use super::refused::Refused;
use super::spot::ITEMS_MAX;
use crate::Result;
use crate::sync::patience::Patience;
use crate::wire::Message;

/// So many items go through the gate at a time.
const BATCH: usize = 64;

/// First in, first out, for many who put and many who take, in as many processes: Python's `Queue`.
///
/// It is a handle: clones lead to the same queue, and so does what a task gets that it is passed to. When `put` returns, the item is
/// in shared memory: whoever put it may end, or be killed, and it is there. Items are whatever can be sent to another process
/// ([`Message`]), of any size. There is no thread and no process behind it.
///
/// A queue made by [`new`](Self::new) grows with what waits in it, up to about a gibibyte (an item larger than that has room when it is alone);
/// then `put` is refused. One made by [`bounded`](Self::bounded) lets those who put wait. What a drained queue has of memory above some mebibytes
/// goes back to the system, when somebody finds it empty.
///
/// **Handles** ([`Lock`](crate::Lock), [`Shared`](crate::Shared), another `Queue`, …) may be inside of an item. They stay open in the process that put the item
/// until it is taken, and are fetched from there: if that process has ended before, taking the item is an error
/// ([`Error::Decode`](crate::Error::Decode)). Arguments, results and connections have no such limit.
///
/// # Fork and death
/// Whoever is killed in the middle of any operation has done it or not; the others go on at once. Nothing is torn, doubled or
/// out of order. Only an item in the dead one's hands can be missing: one that it was putting, or had taken.
/// When nobody is left who could ever put, those who wait for an item are told ([`GetError::PeerDied`]), within a tenth of a second; and
/// so are those who wait for room when nobody is left who could take. Within a process, a thread is counted from the first time
/// that it uses the handle; one that only borrows it, and has not used it yet, is not: give it a clone.
///
/// # Examples
/// ```
/// use offspring::{Queue, process};
///
/// #[process]
/// fn square(numbers: &Queue<u64>, squares: &Queue<u64>) {
///     for number in numbers {
///         squares.put(number * number).unwrap();
///     }
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let (numbers, squares) = (Queue::bounded(4)?, Queue::new()?);
/// let child = square::spawn(&numbers, &squares)?;
/// numbers.put_many(1..=10)?;
/// numbers.close();
/// child.join()?;
/// assert_eq!(squares.len(), 10);
/// assert_eq!(squares.get()?, 1);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "SimpleQueue")]
pub struct Queue<T: 'static> {
    pub(crate) core: Arc<Core<T>>,
}

impl<T> Queue<T> {
    /// An empty queue that grows with what waits in it.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    pub fn new() -> Result<Self> {
        Self::over(0)
    }

    /// An empty queue in which at most so many items wait; whoever puts one more waits for room.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    ///
    /// # Panics
    /// When `items` is 0, or more than 2²⁷.
    #[doc(alias = "maxsize")]
    pub fn bounded(items: usize) -> Result<Self> {
        Self::over(Self::bound_of(items))
    }

    pub(crate) fn bound_of(items: usize) -> u32 {
        let bound = u32::try_from(items).ok().filter(|bound| (1..=ITEMS_MAX).contains(bound));
        let Some(bound) = bound else {
            panic!("a queue is for 1 to {ITEMS_MAX} items, not for {items}");
        };
        bound
    }

    fn over(bound: u32) -> Result<Self> {
        Ok(Self { core: Arc::new(Core::new(bound)?) })
    }

    /// How many items waited a moment ago.
    #[doc(alias = "qsize")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether nothing waited a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room a moment ago; a queue that grows is not full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.core.has_room()
    }

    /// How many items may wait; `None` for a queue that grows.
    #[doc(alias = "maxsize")]
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        match self.core.control.bound {
            0 => None,
            bound => Some(bound as usize),
        }
    }

    /// Closes the queue, for everybody: nothing can be put any more, and who waits for room is refused. What is in it can
    /// be taken; after that, who takes is refused. Closing it again changes nothing.
    ///
    /// # Fork and death
    /// It is closed or not, at whatever instruction the caller dies, and those who wait are told.
    pub fn close(&self) {
        // It fails only inside of this thread's own `get_with` or `reserve`: then that is what ends.
        if self.core.close().is_err() {
            self.core.control.set_closed();
        }
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core.control.is_closed()
    }

    /// Whether two handles lead to the same queue, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.core.control.ptr_eq(&other.core.control)
    }

    /// How many handles this process has.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.core)
    }
}

impl<T: Message> Queue<T> {
    /// Puts an item at the end, waiting until there is room for it.
    ///
    /// # Errors
    /// All with the item: [`PutError::Closed`]; [`PutError::PeerDied`] when it would wait for room, and nobody is left who could ever
    /// take anything; [`PutError::Full`] when a queue that grows has reached its maximum; [`PutError::Failed`] when the item cannot be sent, when memory
    /// is full, or inside of this thread's own [`reserve`](Self::reserve), and of its [`get_with`](Self::get_with) when the queue is full.
    ///
    /// # Fork and death
    /// The item is there or not, at whatever instruction the caller dies.
    #[inline]
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.store(&item, Patience::Endless).map_err(|refused| refused.with(item).into())
    }

    /// Puts an item at the end, if there is room for it at this moment.
    ///
    /// # Errors
    /// All with the item: [`TryPutError::Full`]; the others as for [`put`](Self::put).
    ///
    /// # Fork and death
    /// As for [`put`](Self::put).
    #[doc(alias = "put_nowait")]
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.store(&item, Patience::None).map_err(|refused| refused.with(item).into())
    }

    /// Puts an item at the end, waiting at most this long for room.
    ///
    /// # Errors
    /// All with the item: [`PutTimeoutError::TimedOut`]; the others as for [`put`](Self::put).
    ///
    /// # Fork and death
    /// As for [`put`](Self::put).
    pub fn put_timeout(&self, item: T, time: Duration) -> Result<(), PutTimeoutError<T>> {
        self.store(&item, Patience::of(time)).map_err(|refused| refused.with(item).into())
    }

    /// Puts many items at the end, in their order, waiting for room where there is none; others may come in between then.
    ///
    /// That is faster than one at a time: whoever puts many goes through the gate once for as many as there is room for.
    ///
    /// # Errors
    /// As for [`put`](Self::put), with all the items that were not put.
    ///
    /// # Fork and death
    /// At whatever instruction the caller dies, the items up to some place are there, and the others are not.
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        let mut items = items.into_iter();
        let mut now = Vec::with_capacity(BATCH);
        loop {
            now.extend(items.by_ref().take(BATCH));
            if now.is_empty() {
                return Ok(());
            }
            if let Err((done, refused)) = self.store_all(&now) {
                let rest = now.drain(done..).chain(items).collect();
                return Err(refused.with(rest).into());
            }
            now.clear();
        }
    }

    /// Takes the first item, waiting until there is one.
    ///
    /// # Errors
    /// [`GetError::Closed`] when the queue was closed, and nothing is left in it; [`GetError::PeerDied`] when it is empty, and nobody is left
    /// who could ever put anything; [`GetError::Failed`] when the item did not arrive (then it is lost), when memory is
    /// full, or inside of this thread's own [`get_with`](Self::get_with), and of its [`reserve`](Self::reserve) when the queue is empty.
    ///
    /// # Fork and death
    /// The item has been taken or not, at whatever instruction the caller dies.
    #[inline]
    pub fn get(&self) -> Result<T, GetError> {
        self.fetch(Patience::Endless).map_err(Refused::into)
    }

    /// Takes the first item, if there is one at this moment.
    ///
    /// # Errors
    /// [`TryGetError::Empty`]; the others as for [`get`](Self::get).
    ///
    /// # Fork and death
    /// As for [`get`](Self::get).
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Result<T, TryGetError> {
        self.fetch(Patience::None).map_err(Refused::into)
    }

    /// Takes the first item, waiting at most this long for one.
    ///
    /// # Errors
    /// [`GetTimeoutError::TimedOut`]; the others as for [`get`](Self::get).
    ///
    /// # Fork and death
    /// As for [`get`](Self::get).
    pub fn get_timeout(&self, time: Duration) -> Result<T, GetTimeoutError> {
        self.fetch(Patience::of(time)).map_err(Refused::into)
    }

    /// Takes at most so many of the first items, waiting until there is at least one.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// # Fork and death
    /// All of them have been taken or none, at whatever instruction the caller dies.
    pub fn get_many(&self, max: usize) -> Result<Vec<T>, GetError> {
        self.fetch_many(max, Patience::Endless).map_err(Refused::into)
    }

    /// The items as they come, taken one at a time, until the queue is closed and empty.
    ///
    /// It ends as well where [`get`](Self::get) fails: when nobody is left who could put anything, for one. If it matters why, use `get`.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

/// Shows how many items wait, out of how many, and whether it was closed.
impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
