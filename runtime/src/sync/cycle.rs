//! What a deadlock across threads and processes looks like: who waits where, for what, and who has it.

use std::fmt;

use super::board::{Entry, Text};

/// A circle of threads, each of which waits for a lock that the next one holds.
///
/// It comes with [`LockError::Cycle`](super::LockError::Cycle). The first is the one whose call was refused; what it waited for is
/// held by the second, and so on; what the last one waits for is held by the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(Box<Circle>);

/// Behind a thin pointer: results of lock calls are no larger than they are without it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Circle {
    waiters: Vec<Waiter>,
}

/// One of those who wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiter {
    /// The name of its process: `main` for the first one, else the task's.
    pub process: String,
    /// The id of its process.
    pub pid: u32,
    /// The name of its thread, if it has one.
    pub thread: Option<String>,
    /// The kernel's id of its thread.
    pub tid: u32,
    /// What it waits for: the type of the lock, and where that lies. One lock has the same text for all processes.
    pub lock: String,
    /// Where in the source it waits: file, line and column.
    pub location: String,
}

impl Cycle {
    pub(super) fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let waiters = entries.into_iter().map(|entry| Waiter::new(&entry)).collect();
        Self(Box::new(Circle { waiters }))
    }

    /// Those who wait, in order: each for what the next one holds, and the last one for what the first one holds.
    #[must_use]
    pub fn waiters(&self) -> &[Waiter] {
        &self.0.waiters
    }
}

impl Waiter {
    fn new(entry: &Entry) -> Self {
        let thread = entry.get(Text::Thread);
        let place = match entry.place {
            (0, address) => format!("at {address:#x} in process {}", entry.pid),
            (inode, offset) => format!("at byte {offset} of shared memory {inode}"),
        };
        Self {
            process: entry.get(Text::Process),
            pid: entry.pid,
            thread: (!thread.is_empty()).then_some(thread),
            tid: entry.tid,
            lock: format!("{} {place}", entry.get(Text::Lock)),
            location: format!("{}:{}:{}", entry.get(Text::File), entry.line, entry.column),
        }
    }
}

/// The process, and the thread if it is not the only one to be thought of.
impl fmt::Display for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {}", self.process, self.pid)?;
        match &self.thread {
            _ if self.tid == self.pid => {}
            Some(name) => write!(f, ", thread {} `{name}`", self.tid)?,
            None => write!(f, ", thread {}", self.tid)?,
        }
        f.write_str(")")
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadlock: ")?;
        let waiters = self.waiters();
        for (place, waiter) in waiters.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            let holder = &waiters[(place + 1) % waiters.len()];
            let Waiter { lock, location, .. } = waiter;
            write!(
                f,
                "{separator}{waiter} waits at {location} for the {lock}, which {holder} holds"
            )?;
        }
        Ok(())
    }
}
