//! Looking a few more times before going to sleep: cheaper than sleep and wake-up when the other side is running right now.
//!
//! How often is learnt by each thread for itself: what was found early keeps it looking, what was not found makes it give up
//! sooner the next time. So a thread whose partner does not run (it waits for a processor, or holds the lock for long) soon goes to
//! sleep nearly at once; now and then it tries the whole length again, for times may have changed.
//!
//! Where messages stream, and whoever takes them is as fast as whoever makes them, each would be looked for at the very moment when it is
//! written. Who finds the next one at once, time and again, waits for longer before each look, so that several have come by then.
//!
//! A look costs the other side, too, when it is writing where is looked: the line of cache goes forth and back. Who waits for a
//! message wants it at once, and looks often; who waits for a lock lets its holder work, and looks seldom.
//! (Two processes that do nothing but lock and unlock get twice to three times as far by that.)

use std::cell::Cell;
use std::hint;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// How often to look at most for a message. Some microseconds: less than going to sleep and being woken costs.
const MOST: u32 = 400;
/// How often to look at most for a lock.
const MOST_FOR_LOCK: u32 = 100;
/// How often to look in any case: long enough for an answer from one who is awake.
const LEAST: u32 = 20;
const LEAST_FOR_LOCK: u32 = 4;
/// One wait in so many tries the whole length, however badly the last ones went.
const PROBE_EVERY: u32 = 32;
/// That of a message is as long as it takes to wake somebody up: of two who only ever see each other asleep, one must stay awake
/// for so long once, and both stay awake from then on.
const PROBE: u32 = 4000;

/// Who looks seldom does it so many times less often, and pauses longer in between.
const SELDOM: u32 = 8;
const LONG_PAUSE: u32 = 32;
/// What is found within so many looks was as good as there.
const AT_ONCE: u32 = 2;

/// What a thread has learnt.
#[derive(Clone, Copy, Debug)]
struct Learnt {
    /// How often to look next time.
    looks: u32,
    /// How many waits in a row have found nothing.
    failed: u32,
    /// How long to pause before a look where messages stream.
    pauses: u32,
}

thread_local! {
    // No destructor and a constant start: possible at any time in a thread's life.
    static LEARNT: Cell<Learnt> = const { Cell::new(Learnt { looks: MOST, failed: 0, pauses: 1 }) };
}

/// The looks of one wait. Look, and as long as there is nothing to be found: `again`.
#[derive(Debug)]
pub(crate) struct Spin {
    done: u32,
    limit: u32,
    /// How many looks of those that are counted this one's looks stand for.
    worth: u32,
    pauses: u32,
}

impl Spin {
    /// For a message.
    pub(crate) fn new() -> Self {
        Self::looking(1, LEAST, MOST, PROBE, 1)
    }

    /// For the next one of many messages.
    pub(crate) fn streaming() -> Self {
        Self::looking(1, LEAST, MOST, PROBE, LEARNT.get().pauses)
    }

    /// For a lock, which the other side is writing to at this very moment.
    pub(crate) fn seldom() -> Self {
        Self::looking(SELDOM, LEAST_FOR_LOCK, MOST_FOR_LOCK, MOST_FOR_LOCK, LONG_PAUSE)
    }

    fn looking(worth: u32, least: u32, most: u32, probe: u32, pauses: u32) -> Self {
        let learnt = LEARNT.get();
        let limit = if !others_can_run() {
            0
        } else if learnt.failed % PROBE_EVERY == PROBE_EVERY - 1 {
            probe
        } else {
            learnt.looks.clamp(least, most)
        };
        Self { done: 0, limit, worth, pauses }
    }

    /// Pauses for a moment; false says that it is time to sleep, without a pause.
    #[inline]
    pub(crate) fn again(&mut self) -> bool {
        if self.done < self.limit {
            self.done += self.worth;
            (0..self.pauses).for_each(|_| hint::spin_loop());
            return true;
        }
        if self.done > 0 {
            self.give_up();
        }
        false
    }

    /// What was waited for has come while this thread was looking.
    pub(crate) fn found(&self) {
        if self.done > 0 {
            let looks = LEARNT.get().looks.max(2 * self.done + LEAST_FOR_LOCK).min(MOST);
            LEARNT.set(Learnt { looks, failed: 0, ..LEARNT.get() });
        }
    }

    /// The same, for one of many messages: whether the next one was there already.
    pub(crate) fn found_in_stream(&self, more: bool) {
        self.found();
        let learnt = LEARNT.get();
        let pauses = match self.done {
            0 => return,
            1..=AT_ONCE if more || self.pauses <= AT_ONCE => (2 * self.pauses).min(LONG_PAUSE),
            _ => 1,
        };
        LEARNT.set(Learnt { pauses, ..learnt });
    }

    #[cold]
    fn give_up(&mut self) {
        let Learnt { looks, failed, .. } = LEARNT.get();
        let (looks, failed) = ((looks / 2).max(LEAST_FOR_LOCK), failed.wrapping_add(1));
        LEARNT.set(Learnt { looks, failed, pauses: 1 });
        (self.done, self.limit) = (0, 0);
    }
}

/// Whether somebody else can be running while this thread spins.
fn others_can_run() -> bool {
    static PROCESSORS: AtomicUsize = AtomicUsize::new(0);
    let known = PROCESSORS.load(Relaxed);
    if known != 0 {
        return known > 1;
    }
    let count = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count() as usize);
    PROCESSORS.store(count.max(1), Relaxed);
    count > 1
}
