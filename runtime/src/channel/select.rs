//! `select`: waiting for several things of several kinds at once.
//!
//! Words only: the thread sleeps on all of them at once. Descriptors only: the kernel's `poll`. Both: it sleeps on the
//! words, while a helper thread polls ([`bridge`]). Nothing is taken, and nobody's turn is waited for: at a queue, a selector
//! sleeps at the bell, beside the one who has the turn to take, and whoever puts something wakes all who are there.
//!
//! So a selector that is killed takes nothing with it. Kill points:
//! - asleep: its mark stays in the word, and the next one who comes by wakes nobody, once
//! - woken together with all others: they need nothing of it
//! - woken alone, by the kernel in the place of one who died before it had woken all: `WAKING` stands in the word, and the
//!   selector does that one's work (`finish_waking`), as everybody does who sleeps there. A job that comes back wakes one
//!   sleeper as well, and the selector, who does not take it, wakes the others
//! - killed between that and its own wake-up: nobody is told, and the others look for themselves after a nap
//!
//! A nap is at most [`NAP`]. Then words are looked at that there was no room to sleep on, and queues that all others have
//! left.

use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Acquire;
use std::time::{Duration, Instant};

use super::bridge;
use super::selectable::{Kind, Selectable, Words};
use super::wait::NAP;
use crate::sync::patience::Patience;
use crate::sync::spin::Spin;
use crate::sys::futex;
use crate::sys::poll::{self, Refused};
use crate::{Error, Result};

/// Waits until at least one of them is ready, or until time is up; gives the positions of all that are ready, in the order
/// given, none when time ran out. Python's `multiprocessing.connection.wait`.
///
/// [`Selectable`] says what can be waited for, and when it is ready. With [`Duration::ZERO`] it only looks; without a timeout
/// it waits as long as it takes.
///
/// **Nothing is taken.** Until it is, another process may be quicker: where there are others who take, use
/// [`try_get`](crate::Queue::try_get). A queue that nobody else has any more is ready as well, and stays so; that is what
/// [`get`](crate::Queue::get) and [`get_timeout`](crate::Queue::get_timeout) call [`PeerDied`](crate::GetError::PeerDied), while
/// `try_get` says that it is empty.
///
/// **All that are ready are reported**, each time, wherever they stand: what is busy does not hide what is seldom.
///
/// While it waits it uses no processor, but for a look around every 60 milliseconds where there are queues or events. To wait
/// for those *and* for descriptors takes a thread as long as the call sleeps, which has ended when the call returns. There may
/// be any number of each. The kernel wakes for some 120 of them (a queue counts 1, an event 2, a descriptor nothing); the
/// rest, those that stand last, are found when it looks around.
///
/// # Errors
/// [`Error::System`] when a descriptor is not open (the error says at which position), when the system refuses to wait, when
/// there is no descriptor or no thread left, and when there is nothing to wait for and no timeout.
///
/// # Fork and death
/// What the dead should have made ready is ready: a queue that nobody else has (within a tenth of a second), a process that
/// has ended, a connection without another side. Only an event does not know who could set it: wait for that process beside
/// it. Whoever is killed while it waits here changes nothing for anyone.
///
/// # Examples
/// ```
/// use offspring::{Event, Queue, process, select};
/// use std::time::Duration;
///
/// #[process]
/// fn work(jobs: &Queue<u32>, results: &Queue<u32>, stop: &Event) {
///     loop {
///         let ready = select(&[stop, jobs], None).unwrap();
///         if ready.contains(&0) {
///             return;
///         }
///         // Another worker may have been quicker.
///         if let Ok(job) = jobs.try_get() {
///             results.put(job * job).unwrap();
///         }
///     }
/// }
///
/// # fn main() -> offspring::Result<()> {
/// let (jobs, results, stop) = (Queue::new()?, Queue::new()?, Event::new()?);
/// let worker = work::spawn(&jobs, &results, &stop)?;
/// assert!(select(&[&results, &worker], Some(Duration::ZERO))?.is_empty());
///
/// jobs.put(7)?;
/// assert_eq!(select(&[&results, &worker], None)?, [0]);
/// assert_eq!(results.get()?, 49);
///
/// stop.set();
/// assert_eq!(select(&[&results, &worker], None)?.last(), Some(&1));
/// # worker.join()?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "wait")]
pub fn select(items: &[&dyn Selectable], timeout: Option<Duration>) -> Result<Vec<usize>> {
    if items.is_empty() && timeout.is_none() {
        let endless = "there is nothing to wait for, and no timeout";
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, endless);
        return Err(Error::System { action: ACTION, source });
    }
    Selection::of(items).wait(timeout.map_or(Patience::Endless, Patience::of))
}

/// What fails.
const ACTION: &str = "wait for several things at once";

/// What one call waits for, each with its position.
struct Selection<'a> {
    words: Vec<(usize, Words<'a>)>,
    descriptors: Vec<BorrowedFd<'a>>,
    /// Where those stand.
    places: Vec<usize>,
}

impl<'a> Selection<'a> {
    fn of(items: &[&'a dyn Selectable]) -> Self {
        let mut of = Self { words: Vec::new(), descriptors: Vec::new(), places: Vec::new() };
        for (position, item) in items.iter().enumerate() {
            match item.source().0 {
                Kind::Words(words) => of.words.push((position, words)),
                Kind::Descriptor(descriptor) => {
                    of.descriptors.push(descriptor);
                    of.places.push(position);
                }
            }
        }
        of
    }

    fn wait(&self, patience: Patience) -> Result<Vec<usize>> {
        if self.words.is_empty() {
            return self.poll(patience.end());
        }
        let mut ready = self.look()?;
        if ready.is_empty() && patience.nap().is_some() && self.spin() {
            ready = self.look()?;
        }
        while ready.is_empty() {
            let slept = if self.descriptors.is_empty() {
                self.sleep(patience, None)
            } else {
                bridge::with(&self.descriptors, |bell| self.sleep(patience, Some(bell)))?
            };
            if !slept {
                break;
            }
            ready = self.look()?;
        }
        Ok(ready)
    }

    /// All that are ready at this moment.
    fn look(&self) -> Result<Vec<usize>> {
        let is_ready = |words: &Words<'_>| words.is_ready() || words.is_deserted();
        let mut ready: Vec<_> = self
            .words
            .iter()
            .filter_map(|(position, words)| is_ready(words).then_some(*position))
            .collect();
        if !self.descriptors.is_empty() {
            ready.extend(self.poll(Some(Instant::now()))?);
            ready.sort_unstable();
        }
        Ok(ready)
    }

    /// Waits for descriptors alone.
    fn poll(&self, deadline: Option<Instant>) -> Result<Vec<usize>> {
        let ready = poll::wait(&self.descriptors, deadline).map_err(|refused| match refused {
            Refused::NotOpen(nth) => Refused::NotOpen(self.places[nth]),
            other => other,
        });
        let ready = ready.map_err(Error::system(ACTION))?;
        Ok(ready.into_iter().map(|nth| self.places[nth]).collect())
    }

    /// Looks at the words for a moment without going to sleep; whether one is ready.
    fn spin(&self) -> bool {
        let mut spin = Spin::new();
        loop {
            if self.words.iter().any(|(_, words)| words.is_ready()) {
                spin.found();
                return true;
            }
            if !spin.again() {
                return false;
            }
        }
    }

    /// Sleeps until one may be ready, or the bell has rung; false says that time ran out.
    fn sleep(&self, patience: Patience, bell: Option<&AtomicU32>) -> bool {
        let mut looked_around = Instant::now();
        while let Some(nap) = patience.nap() {
            self.doze(bell, nap.min(NAP));
            let mut ready = bell.is_some_and(|bell| bell.load(Acquire) != 0)
                || self.words.iter().any(|(_, words)| words.is_ready());
            // Not before the look: whoever was about to do it most likely has by now.
            self.words.iter().for_each(|(_, words)| words.finish_waking());
            // By the clock: who is woken all the time by one queue must not forget another one.
            if !ready && looked_around.elapsed() >= NAP {
                looked_around = Instant::now();
                self.words.iter().for_each(|(_, words)| words.tidy());
                ready = self.words.iter().any(|(_, words)| words.is_deserted());
            }
            if ready {
                return true;
            }
        }
        false
    }

    /// Sleeps on all words at once, unless one is ready.
    fn doze(&self, bell: Option<&AtomicU32>, nap: Duration) {
        let others: Vec<_> = self.words.iter().flat_map(|(_, words)| words.others()).collect();
        let mut seen = Vec::with_capacity(2 * self.words.len() + 1 + others.len());
        seen.extend(bell.map(|bell| (bell, 0)));
        if self.words.iter().all(|(_, words)| words.watch(&mut seen)) {
            // Last: those for which there is no room are not slept on.
            seen.extend(others);
            futex::wait_any(&seen, nap);
        }
    }
}
