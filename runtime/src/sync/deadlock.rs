//! Finding out that a lock will never be free: its holder waits for another lock, whose holder waits, … for this thread.
//!
//! A lock call that has lasted for [`SUSPICIOUS`] says on the family's board (`sync::board`) for what it waits and who has
//! that. At each look around after that (every [`NAP`](super::patience::NAP)) it says so anew, reads what the holder says,
//! if that waits, too, and so on, until there is nothing more to read or the way leads back to itself. The one that
//! finds it is refused; it still holds what it held, and the others go on when it gives that back.
//!
//! Why what is found is true, although each entry was written at another time and is read without any lock: an edge, from X
//! who waits for L to Y who holds it, counts only if X looked at L *after* Y had made its entry (the board's clock
//! says so, `looked > claimed`), and if Y's entry is still there when all edges have been read. Y makes its entry inside of a
//! lock call, takes it back before that call returns, and loses it, before all that it holds, when it dies. So Y was in
//! one and the same call from before X's look until after the last read, has given nothing back meanwhile, and still had
//! L. As that goes for all of the circle, none of what they wait for was free: nobody in it can go on, but by a timeout
//! or a kill.
//!
//! Who is not seen: threads of unrelated programs (they have other boards), those beyond the board's
//! [`ENTRIES`](super::board::ENTRIES), and whoever waits for something else than a lock, or for one of several holders to
//! leave.

use std::any::type_name;
use std::cell::Cell;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, fs, process};

use super::board::{Board, Claim, Entry, Text};
use super::cycle::Cycle;
use crate::memory::{regions, statics};
use crate::sys::robust;

/// How long a wait must have lasted.
const SUSPICIOUS: Duration = Duration::from_secs(1);

/// The name of this process; empty is `main`.
static NAME: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// The circle for whose sake a call of this thread is being refused.
    static FOUND: Cell<Option<Cycle>> = const { Cell::new(None) };
}

/// The circle, right after [`Wait::is_vain`] has found one.
pub(crate) fn found() -> Option<Cycle> {
    FOUND.try_with(Cell::take).ok().flatten()
}

/// What reports call this process.
pub(crate) fn introduce(name: &str) {
    name.clone_into(&mut NAME.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Says whether locks look for deadlocks, in the whole family of processes; at first they do.
///
/// A call that has waited for a lock for longer than a second looks, twice a second, whether the holder waits for a lock
/// that somebody holds who waits … for the caller. If so, it gives
/// [`LockError::Cycle`](super::LockError::Cycle), whether its own patience has an end or not. Calls that take a lock sooner pay
/// nothing for it.
///
/// Only processes of one family find each other, those that have been spawned from one first process; a deadlock with an
/// unrelated program that shares a lock is not found. Switching it off or on in one process does so in all of the family,
/// those that wait at the moment included.
///
/// # Fork and death
/// What was said last holds on when its speaker dies.
///
/// # Examples
/// ```
/// // A program in which waiting for ever is what should happen.
/// offspring::sync::detect_deadlocks(false);
/// # offspring::sync::detect_deadlocks(true);
/// ```
#[doc(alias = "deadlock")]
pub fn detect_deadlocks(on: bool) {
    // Without memory for the board, nobody looks for anything.
    if let Some(board) = Board::of_family() {
        board.set_off(!on);
    }
}

/// A lock call, as a report names it.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// The type of the lock.
    lock: fn() -> &'static str,
    at: &'static Location<'static>,
}

impl Call {
    /// The caller's caller's call for a lock of type `L`, if all between are `#[track_caller]`.
    #[inline]
    #[track_caller]
    pub(crate) fn of<L: ?Sized>() -> Self {
        Self { lock: type_name::<L>, at: Location::caller() }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", (self.lock)(), self.at)
    }
}

/// One wait for a lock.
#[derive(Debug)]
pub(crate) struct Wait {
    /// `None` when it is not one for a lock that others could wait for in turn.
    call: Option<Call>,
    since: Option<Instant>,
    entry: Option<Box<Entry>>,
    claim: Option<(&'static Board, Claim)>,
}

impl Wait {
    pub(crate) const fn new(call: Option<Call>) -> Self {
        Self { call, since: None, entry: None, claim: None }
    }

    /// To be called before each sleep, while no wake-up for the lock at `address` can be meant for this thread: says
    /// whether it would sleep for ever; then [`found`] says why. `owner` finds out which thread holds what it waits for.
    #[cold]
    pub(crate) fn is_vain(&mut self, address: usize, owner: impl FnOnce() -> Option<u32>) -> bool {
        let cycle = self.look(address, owner);
        let is_vain = cycle.is_some();
        if is_vain {
            // At the very end of a thread, the circle is lost, but not that there is one.
            let _ = FOUND.try_with(|found| found.set(cycle));
        }
        is_vain
    }

    fn look(&mut self, address: usize, owner: impl FnOnce() -> Option<u32>) -> Option<Cycle> {
        let call = self.call?;
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < SUSPICIOUS {
            return None;
        }
        let board = Board::of_family()?;
        if board.is_off() {
            self.withdraw();
            return None;
        }
        let entry = self.entry.get_or_insert_with(|| Box::new(describe(call, address)));
        if self.claim.is_none() {
            let claim = board.claim()?;
            entry.claimed = board.tick();
            self.claim = Some((board, claim));
        }
        let (_, claim) = self.claim.as_ref()?;
        entry.looked = board.tick();
        // After the tick: see the module.
        entry.owner = owner().unwrap_or(0);
        board.write(claim, entry);
        find(board, entry)
    }

    #[cold]
    fn withdraw(&mut self) {
        if let Some((board, claim)) = self.claim.take() {
            board.leave(&claim);
        }
    }
}

/// When the call returns; a lock that it took must be on the kernel's list by then.
impl Drop for Wait {
    #[inline]
    fn drop(&mut self) {
        if self.claim.is_some() {
            self.withdraw();
        }
    }
}

/// What does not change during a wait.
fn describe(call: Call, address: usize) -> Entry {
    let mut entry = Entry::empty();
    (entry.pid, entry.tid) = (process::id(), robust::current().tid());
    entry.place = regions::object_of(address).unwrap_or((0, address as u64));
    (entry.line, entry.column) = (call.at.line(), call.at.column());
    let name = NAME.lock().unwrap_or_else(PoisonError::into_inner).clone();
    entry.set(Text::Process, if name.is_empty() { "main" } else { &name });
    entry.set(Text::Thread, &thread_name());
    let lock = without_path((call.lock)());
    match statics::name_of(address) {
        Some(name) => entry.set(Text::Lock, &format!("`{lock}` in `{name}`")),
        None => entry.set(Text::Lock, &format!("`{lock}`")),
    }
    entry.set(Text::File, call.at.file());
    entry
}

/// The kernel's name of this thread, unless that is its process's. (Asking std for it panics at the end of a thread.)
fn thread_name() -> String {
    let name = rustix::thread::name().unwrap_or_default();
    let common = fs::read("/proc/self/comm").unwrap_or_default();
    let is_own = common.trim_ascii_end() != name.as_bytes();
    if is_own { name.to_string_lossy().into_owned() } else { String::new() }
}

/// `Mutex<bank::Account>` for `offspring::sync::mutex::Mutex<bank::Account>`.
fn without_path(name: &str) -> &str {
    let own = name.find('<').unwrap_or(name.len());
    name[..own].rfind("::").map_or(name, |path| &name[path + 2..])
}

/// The way from this entry to itself, if there is one and all of it stands at this moment.
fn find(board: &Board, own: &Entry) -> Option<Cycle> {
    let mut circle: Vec<(usize, Entry)> = Vec::new();
    let mut waiter = *own;
    loop {
        let (index, holder) = board.entry_of(waiter.owner)?;
        // `waiter` has seen `holder` have the lock when `holder` was waiting already.
        let proved = waiter.looked > holder.claimed;
        // A circle that this thread is not in is for others to find.
        let passed = circle.iter().any(|(other, _)| *other == index);
        if !proved || passed {
            return None;
        }
        circle.push((index, holder));
        if holder.claimed == own.claimed {
            break;
        }
        waiter = holder;
    }
    // From this thread on.
    circle.rotate_right(1);
    let stands = circle.iter().all(|(index, entry)| board.still_has(*index, entry));
    stands.then(|| Cycle::new(circle.into_iter().map(|(_, entry)| entry)))
}
