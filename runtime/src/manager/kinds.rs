//! What a manager hands out, under Python's names.

use std::hash::Hash;

use super::handle::Manager;
use crate::wire::Message;
use crate::{
    Array, Barrier, BoundedSemaphore, Condition, Dict, Event, JoinableQueue, List, Lock, Namespace,
    Queue, RLock, Result, Semaphore, Shareable, Value,
};

macro_rules! kinds {
    ($($(#[$attribute:meta])* $method:ident $(<$($item:ident: $bound:path),+>)? ($($argument:ident: $type:ty)?) -> $handle:ty = $make:expr;)*) => {
        impl Manager {$(
            $(#[$attribute])*
            ///
            /// # Errors
            /// As for [`object`](Self::object).
            ///
            /// # Fork and death
            /// As for [`object`](Self::object), and for what it gives.
            pub fn $method $(<$($item: $bound),+>)? (&self, name: &str $(, $argument: $type)?) -> Result<$handle> {
                self.object(name, || $make)
            }
        )*}
    };
}

kinds! {
    /// The [`Lock`] of this name.
    lock() -> Lock = Lock::new();

    /// The [`RLock`] of this name.
    rlock() -> RLock = RLock::new();

    /// The [`Semaphore`] of this name. So many permits has one that is made now.
    semaphore(permits: usize) -> Semaphore = Semaphore::new(permits);

    /// The [`BoundedSemaphore`] of this name. So many permits has one that is made now.
    bounded_semaphore(permits: usize) -> BoundedSemaphore = BoundedSemaphore::new(permits);

    /// The [`Event`] of this name.
    event() -> Event = Event::new();

    /// The [`Condition`] of this name.
    condition() -> Condition = Condition::new();

    /// The [`Barrier`] of this name. So many parties has one that is made now.
    barrier(parties: usize) -> Barrier = Barrier::new(parties);

    /// The [`Queue`] of this name. One that is made now grows.
    ///
    /// Nobody is told that all others have ended ([`PeerDied`](crate::GetError::PeerDied)) while others can still find the
    /// queue by its name.
    queue<T: Message>() -> Queue<T> = Queue::new();

    /// The [`Queue`] of this name. In one that is made now at most so many items wait.
    ///
    /// Nobody is told that all others have ended ([`PeerDied`](crate::GetError::PeerDied)) while others can still find the
    /// queue by its name.
    ///
    /// # Panics
    /// When `items` is 0, or more than 2²⁷, and the queue is made now.
    bounded_queue<T: Message>(items: usize) -> Queue<T> = Queue::bounded(items);

    /// The [`JoinableQueue`] of this name. One that is made now grows.
    joinable_queue<T: Message>() -> JoinableQueue<T> = JoinableQueue::new();

    /// The [`JoinableQueue`] of this name. In one that is made now at most so many items wait.
    ///
    /// # Panics
    /// When `items` is 0, or more than 2²⁷, and the queue is made now.
    bounded_joinable_queue<T: Message>(items: usize) -> JoinableQueue<T> = JoinableQueue::bounded(items);

    /// The [`List`] of this name.
    list<T: Message>() -> List<T> = List::new();

    /// The [`Value`] of this name. One that is made now is `initial`.
    value<T: Message>(initial: T) -> Value<T> = Value::new(initial);

    /// The [`Namespace`] of this name.
    namespace() -> Namespace = Namespace::new();
}

impl Manager {
    /// The [`Dict`] of this name.
    ///
    /// # Errors
    /// As for [`object`](Self::object).
    ///
    /// # Fork and death
    /// As for [`object`](Self::object), and for what it gives.
    pub fn dict<K: Message + Hash + Eq, V: Message>(&self, name: &str) -> Result<Dict<K, V>> {
        self.object(name, Dict::new)
    }

    /// The [`Array`] of this name. One that is made now has so many elements, which are the default value of their type.
    ///
    /// # Errors
    /// As for [`object`](Self::object).
    ///
    /// # Fork and death
    /// As for [`object`](Self::object), and for what it gives.
    pub fn array<T: Shareable + Default>(&self, name: &str, len: usize) -> Result<Array<T>> {
        self.object(name, || Array::from_fn(len, |_| T::default()))
    }
}
