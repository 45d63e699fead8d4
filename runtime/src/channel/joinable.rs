//! `JoinableQueue<T>`: a queue of jobs, which are done when somebody says so, and come back when whoever had one dies.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::desk::{self, Desks, Hold};
use super::error::{
    GetError, GetTimeoutError, PutError, PutTimeoutError, TryGetError, TryPutError,
};
use super::fault::Fault;
use super::job::{Job, Jobs};
use super::payload::Incoming;
use super::queue::Queue;
use super::refused::Refused;
use super::transfer::enter;
use super::users::Side;
use crate::sync::patience::Patience;
use crate::wire::Message;
use crate::{Result, Shared};

/// How often a job is given out, unless it is said otherwise.
const ATTEMPTS: u32 = 3;

/// A [`Queue`] of jobs: whoever takes one says when it is done, and others can wait until all are. Python's `JoinableQueue`.
///
/// [`get`](Self::get) gives a [`Job`], which derefs to the item. [`Job::done`], or [`task_done`](Self::task_done), says that it is done. A job that is
/// dropped before that goes back to the queue, at its front, and so does one whose holder dies, or whose thread ends. Each time
/// it is given out it counts one [`attempt`](Job::attempt) more; after so many ([`with_attempts`](Self::with_attempts); 3 if nothing is said) it is given up, and
/// becomes a [dead letter](Self::dead_letters).
///
/// At most 1024 jobs can be in progress, or be dead letters, at a time.
///
/// # Fork and death
/// As for [`Queue`]. A job is given to one at a time, and at least once until it is done: who dies with it may have done a part of it,
/// and it is given to another one, at once. [`join`](Self::join) waits for that one, too.
///
/// # Examples
/// ```
/// use offspring::{JoinableQueue, Queue, process};
///
/// #[process]
/// fn work(jobs: &JoinableQueue<String>, done: &Queue<usize>) {
///     for job in jobs {
///         if *job == "fatal" {
///             std::process::abort();
///         }
///         done.put(job.len()).unwrap();
///         job.done();
///     }
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let (jobs, done) = (JoinableQueue::new()?.with_attempts(2), Queue::new()?);
/// jobs.put_many(["one", "fatal", "three"].map(str::to_owned))?;
/// let workers: Vec<_> = (0..3).map(|_| work::spawn(&jobs, &done)).collect::<Result<_, _>>()?;
/// jobs.join()?;
/// assert_eq!(jobs.dead_letters()?, ["fatal"]);
/// assert_eq!(done.get()? + done.get()?, 8);
/// jobs.close();
/// # workers.into_iter().for_each(|worker| _ = worker.join());
/// # Ok(())
/// # }
/// ```
pub struct JoinableQueue<T: 'static> {
    pub(crate) queue: Queue<T>,
}

impl<T> JoinableQueue<T> {
    /// An empty queue that grows with what waits in it.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    pub fn new() -> Result<Self> {
        Self::over(Core::new(0)?)
    }

    /// An empty queue in which at most so many items wait, those that are being done not counted.
    ///
    /// # Errors
    /// [`Error::System`](crate::Error::System) when there is no memory or no descriptor left.
    ///
    /// # Panics
    /// As [`Queue::bounded`].
    #[doc(alias = "maxsize")]
    pub fn bounded(items: usize) -> Result<Self> {
        Self::over(Core::new(Queue::<T>::bound_of(items))?)
    }

    fn over(core: Core<T>) -> Result<Self> {
        let desks = Shared::with_room(Desks::new(ATTEMPTS), Desks::ROOM)?;
        Ok(Self::of(core, desks))
    }

    pub(crate) fn of(mut core: Core<T>, desks: Shared<Desks>) -> Self {
        core.desks = Some(desks);
        Self { queue: Queue { core: Arc::new(core) } }
    }

    /// A job is given out so many times before it is given up; at least once, and at most 65 535 times. It holds for all handles.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        self.desks().set_attempts(attempts);
        self
    }

    pub(crate) fn desks(&self) -> &Shared<Desks> {
        let Some(desks) = &self.queue.core.desks else { unreachable!("`of` has put them there") };
        desks
    }

    /// How many items wait, or came back, a moment ago.
    #[doc(alias = "qsize")]
    #[must_use]
    pub fn len(&self) -> usize {
        let head = self.queue.core.control.take.head();
        self.queue.len() + self.desks().count_returned(head)
    }

    /// Whether nothing waited a moment ago.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room a moment ago.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// How many items may wait; `None` for a queue that grows.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.queue.capacity()
    }

    /// As [`Queue::close`]. Jobs that are being done can still come back, and be taken.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Whether two handles lead to the same queue, also when one of them came by way of another process.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.queue.ptr_eq(&other.queue)
    }

    /// Waits until all that was put is done, or given up.
    ///
    /// # Errors
    /// [`Error::PeerDied`](crate::Error::PeerDied) when there is something to be done, and nobody is left who could ever do it; [`Error::Lock`](crate::Error::Lock) inside of this
    /// thread's own [`Job`] handling from a signal handler.
    ///
    /// # Fork and death
    /// Jobs of the dead are waited for until somebody else has done them. A caller that dies while it waits changes
    /// nothing for anyone.
    pub fn join(&self) -> Result<()> {
        Ok(self.wait_done(Patience::Endless)?)
    }

    /// Waits until all that was put is done, or given up, but at most this long; false says that the time ran out.
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    ///
    /// # Fork and death
    /// As for [`join`](Self::join).
    pub fn join_timeout(&self, time: Duration) -> Result<bool> {
        match self.wait_done(Patience::of(time)) {
            Ok(()) => Ok(true),
            Err(Fault::TimedOut) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    fn wait_done(&self, patience: Patience) -> Result<(), Fault> {
        self.queue.core.users.note(Side::Join);
        self.queue.waiting(Side::Join, patience).until(&mut || self.is_done())
    }

    /// Whether everything is done, while nobody can take anything.
    fn is_done(&self) -> Result<bool, Fault> {
        let core = &self.queue.core;
        let Some(inside) = enter(&core.control.take.gate, Patience::Endless)? else {
            return Ok(false);
        };
        let mut taker = core.taker(inside);
        let is_empty = taker.look()?.is_none();
        Ok(is_empty && !self.desks().has_unfinished(core.control.take.head()))
    }

    pub(crate) fn end(&self, hold: Hold) {
        self.desks().finish(self.desks().descriptor(), hold);
    }
}

impl<T: Message> JoinableQueue<T> {
    /// As [`Queue::put`].
    ///
    /// # Errors
    /// As for [`Queue::put`].
    ///
    /// # Fork and death
    /// As for [`Queue::put`].
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.queue.put(item)
    }

    /// As [`Queue::try_put`].
    ///
    /// # Errors
    /// As for [`Queue::try_put`].
    ///
    /// # Fork and death
    /// As for [`Queue::put`].
    #[doc(alias = "put_nowait")]
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.queue.try_put(item)
    }

    /// As [`Queue::put_timeout`].
    ///
    /// # Errors
    /// As for [`Queue::put_timeout`].
    ///
    /// # Fork and death
    /// As for [`Queue::put`].
    pub fn put_timeout(&self, item: T, time: Duration) -> Result<(), PutTimeoutError<T>> {
        self.queue.put_timeout(item, time)
    }

    /// As [`Queue::put_many`].
    ///
    /// # Errors
    /// As for [`Queue::put_many`].
    ///
    /// # Fork and death
    /// As for [`Queue::put_many`].
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        self.queue.put_many(items)
    }

    /// Takes the next job, waiting until there is one: those that came back first.
    ///
    /// # Errors
    /// As for [`Queue::get`], and [`GetError::Failed`] when 1024 jobs are in progress, or given up.
    ///
    /// # Fork and death
    /// The job is in the queue, or goes back to it, at whatever instruction the caller dies.
    pub fn get(&self) -> Result<Job<'_, T>, GetError> {
        self.fetch(Patience::Endless).map_err(Refused::into)
    }

    /// Takes the next job, if there is one at this moment.
    ///
    /// # Errors
    /// [`TryGetError::Empty`]; the others as for [`get`](Self::get).
    ///
    /// # Fork and death
    /// As for [`get`](Self::get).
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Result<Job<'_, T>, TryGetError> {
        self.fetch(Patience::None).map_err(Refused::into)
    }

    /// Takes the next job, waiting at most this long for one.
    ///
    /// # Errors
    /// [`GetTimeoutError::TimedOut`]; the others as for [`get`](Self::get).
    ///
    /// # Fork and death
    /// As for [`get`](Self::get).
    pub fn get_timeout(&self, time: Duration) -> Result<Job<'_, T>, GetTimeoutError> {
        self.fetch(Patience::of(time)).map_err(Refused::into)
    }

    /// Takes at most so many jobs, waiting until there is at least one.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// # Fork and death
    /// As for [`get`](Self::get).
    pub fn get_many(&self, max: usize) -> Result<Vec<Job<'_, T>>, GetError> {
        let mut jobs = Vec::new();
        if max > 0 {
            jobs.push(self.get()?);
        }
        while jobs.len() < max
            && let Ok(job) = self.try_get()
        {
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// The jobs as they come, until the queue is closed and empty: as [`Queue::iter`].
    pub fn iter(&self) -> Jobs<'_, T> {
        Jobs::new(self)
    }

    /// Says that a job is done: the same as [`Job::done`].
    pub fn task_done(&self, job: Job<'_, T>) {
        job.done();
    }

    /// Takes out the items that were given up: whoever tried to do them died, or dropped them, too often.
    ///
    /// # Errors
    /// [`Error::Decode`](crate::Error::Decode) for one that did not arrive, which is lost; [`Error::System`](crate::Error::System) when memory is full.
    ///
    /// # Fork and death
    /// Whoever dies in here leaves those letters that it has not taken out.
    pub fn dead_letters(&self) -> Result<Vec<T>> {
        let mut letters = Vec::new();
        let core = &self.queue.core;
        let inside = enter(&core.control.take.gate, Patience::Endless)?;
        while let Some((hold, job)) = self.desks().take_given_up() {
            let copy = self.desks().read(self.desks().descriptor(), hold)?;
            let letter = Incoming::new(copy, job.kind).and_then(Incoming::decode);
            self.end(hold);
            letters.push(letter?);
        }
        drop(inside);
        Ok(letters)
    }

    fn fetch(&self, patience: Patience) -> Result<Job<'_, T>, Refused> {
        self.queue.core.users.note(Side::Take);
        let mut taken = None;
        let mut attempt = || {
            taken = self.take_now(patience)?;
            Ok(taken.is_some())
        };
        if !(self.queue.core.has_item() && attempt()?) {
            self.queue.get_waiting(patience, attempt)?;
        }
        let (hold, job, bytes) = taken.ok_or(Fault::TimedOut)?;
        match Incoming::new(bytes, job.kind).and_then(Incoming::decode) {
            Ok(item) => Ok(Job::new(item, self, hold, job.attempt)),
            Err(lost) => {
                self.end(hold);
                Err(lost.into())
            }
        }
    }

    fn take_now(&self, patience: Patience) -> Result<Option<(Hold, desk::Job, Vec<u8>)>, Fault> {
        let (core, desks) = (&self.queue.core, self.desks());
        let Some(inside) = enter(&core.control.take.gate, patience)? else { return Ok(None) };
        let mut taker = core.taker(inside);
        let head = core.control.take.head();
        if let Some((hold, job)) = desks.take_returned(head)? {
            let bytes = desks.read(desks.descriptor(), hold);
            return match bytes {
                Ok(bytes) => Ok(Some((hold, job, bytes))),
                Err(fault) => {
                    desks.give_back(hold);
                    Err(fault)
                }
            };
        }
        let Some(found) = taker.look()? else { return Ok(None) };
        let mut bytes = Vec::new();
        found.span.append_to(&mut bytes).map_err(|_| Fault::no_memory())?;
        let job = desk::Job::new(taker.number(), found.kind);
        let hold = desks.lay_down(desks.descriptor(), job, &bytes, core.control.take.head())?;
        taker.pass(found);
        taker.settle();
        Ok(Some((hold, job, bytes)))
    }
}

impl<T> Clone for JoinableQueue<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

/// Shows how many items wait, out of how many, and whether it was closed.
impl<T> fmt::Debug for JoinableQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinableQueue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
