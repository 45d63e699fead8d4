//! `Once`: something that is done one time for all processes, and by the next one if the first dies in the middle of
//! it.
//!
//! A lock and a word that says it is done. The word is written by the holder of the lock, after the closure has
//! returned; the kernel frees the lock of one that dies, and unwinding that of one that panics. So the closure is
//! over when the word is there, and until then whoever has the lock is the one who runs it.
//!
//! # Safety
//! Plain words; the links of the lock mean something only to the thread that holds it. In shared memory nobody ever
//! has a `Once` exclusively, so that none moves while the lock is held (as with `Mutex`, Invariant 2 there).

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::deadlock::Call;
use super::error::LockError;
use super::mutex::refused;
use super::patience::Patience;
use super::raw::{Held, RawLock};
use crate::memory::layout::Hasher;
use crate::memory::{Shareable, owner};
use crate::sys::robust::Kind;

/// Something that is done once, whoever of the threads and processes comes first; the others wait until it is done.
///
/// # Fork and death
/// A caller that dies in the closure, at whatever instruction, or panics there, has not done it: the next one runs
/// its own closure, and may find what the first one left half done. One that dies right after its closure has
/// returned may count as not having done it, too.
///
/// # Examples
/// ```
/// use offspring::{Shared, sync::Once};
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
///
/// let setup = Shared::new((Once::new(), AtomicU32::new(0)))?;
/// for _ in 0..3 {
///     setup.0.call_once(|| _ = setup.1.fetch_add(1, Relaxed))?;
/// }
/// assert_eq!(setup.1.load(Relaxed), 1);
/// # Ok::<(), offspring::Error>(())
/// ```
pub struct Once {
    /// Whoever has it runs the closure.
    running: RawLock,
    /// `1` when it is done.
    done: AtomicU32,
}

// SAFETY: plain words, see the module.
#[diagnostic::do_not_recommend]
unsafe impl Shareable for Once {
    const LAYOUT: u64 = Hasher::start("Once").of::<Self>().finish();
    const LOCKS: bool = true;
}

impl Once {
    /// Something that is still to be done.
    #[must_use]
    pub const fn new() -> Self {
        Self { running: RawLock::new(), done: AtomicU32::new(0) }
    }

    /// Does it, if nobody has; waits for whoever is doing it. When this returns `Ok`, it is done, and what was done
    /// is visible.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] when this is called from the closure itself; [`LockError::Cycle`] when it would wait
    /// for ever.
    ///
    /// # Panics
    /// When `f` does; then it is still to be done.
    ///
    /// # Fork and death
    /// See [`Once`]. The death of a caller that waits changes nothing for anyone.
    #[inline]
    #[track_caller]
    pub fn call_once(&self, f: impl FnOnce()) -> Result<(), LockError> {
        if self.is_completed() {
            return Ok(());
        }
        let Some(running) = self.begin()? else { return Ok(()) };
        f();
        running.complete();
        Ok(())
    }

    /// Whether it is done.
    #[inline]
    #[must_use]
    pub fn is_completed(&self) -> bool {
        // Pairs with the Release of `complete`.
        self.done.load(Acquire) != 0
    }

    /// The right to do it; `None` when somebody else has done it meanwhile.
    #[cold]
    #[track_caller]
    fn begin(&self) -> Result<Option<Running<'_>>, LockError> {
        let held = self.running.lock_called(Kind::Place, Patience::Endless, Call::of::<Self>());
        let running = Running { once: self, held: held.map_err(refused)? };
        Ok((!self.is_completed()).then_some(running))
    }
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows whether it is done, and who is doing it.
impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Once");
        shown.field("completed", &self.is_completed());
        if let Some(thread) = self.running.owner() {
            shown.field("holder", &owner::process_of(thread)).field("thread", &thread);
        }
        shown.finish_non_exhaustive()
    }
}

/// The closure is being run by this thread; the right to it is given back when this is dropped.
struct Running<'a> {
    once: &'a Once,
    held: Held,
}

impl Running<'_> {
    fn complete(self) {
        self.once.done.store(1, Release);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.once.running.unlock(self.held);
    }
}
