//! The rounds of a barrier: who has arrived, and how each round ended. Knows nothing of who the parties are.
//!
//! ```text
//! state     | turn: 32 | SLEEPERS | WAKING | 0 …  |   even turn: a round is open; odd: it was broken, and waits for a reset
//! tallies[] | turn: 32 | BROKEN | RESET | count: 30 |  of that turn's round; four rounds in a row have one each
//! ```
//! A round ends at one instant, which is a change of its tally: the last arrival, or `BROKEN`, whichever comes first. What follows
//! is to publish it, which anybody can do and repeat: the turn moves on by 2 after a full round or one that was broken by a reset,
//! by 1 after one broken otherwise (and by 1 more at the reset), and the sleepers are woken. So one who is killed between the two leaves nothing half done.
//!
//! Invariant 1: the turn leaves a round only when its tally says how it ended, so that a tally changed from "open" at the turn that is
//! current before and after belongs to the current round.
//! Invariant 2: a tally says how its round ended until the fourth round after it begins. One who is slower than that to look
//! (its round ended, it did not run) goes by `breaks`, which counts a broken round before that is published: if none was broken
//! since it arrived, or one, and another, then its own was full. Otherwise it is told that its round was broken, which
//! is wrong only if several were broken, and not its own, while it did not run and others filled rounds without it.
//! Invariant 3: whoever sleeps has put `SLEEPERS` there at the turn that it compares when it goes to sleep. The one who moves the turn
//! takes it away and puts `WAKING` there in the same step, which goes only after a wake-up of all at the same turn, or with a later turn.
//! Kill points: as in `sync::event`; the kernel wakes one sleeper, who finds `WAKING`, and wakes the others.
//!
//! Orderings: arrivals are AcqRel on the tally and then on the state, and pair with the Acquire load that sees the turn moved:
//! what each party did before a round is seen by each party after it.

use std::error::Error as StdError;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::{fmt, io};

use crate::sys::{futex, robust};

/// Of the state: somebody may be asleep.
const SLEEPERS: u64 = 0x8000_0000;
/// Of the state: all who sleep are to be woken, and whoever moved the turn may not have done it yet.
const WAKING: u64 = 0x4000_0000;

/// Of a tally: the round is over without having been full.
const BROKEN: u32 = 0x8000_0000;
/// Of a tally that is broken: the next round begins at once.
const RESET: u32 = 0x4000_0000;
/// More parties than there can be threads.
pub(crate) const MOST: u32 = RESET - 1;

/// How many tallies there are.
const TALLIES: usize = 4;

/// The rounds of one barrier.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Rounds {
    state: AtomicU64,
    tallies: [AtomicU64; TALLIES],
    /// How many parties make a round full.
    parties: u32,
    /// How many rounds were broken, in the upper half, and the (odd) turn after the last one (Invariant 2).
    breaks: AtomicU64,
}

/// How a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tally {
    /// So many have arrived.
    Open(u32),
    Full,
    Broken,
    /// Broken, and nobody who comes later need know.
    Reset,
    /// It is not the current one any more.
    Past,
}

/// One party's arrival in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    turn: u32,
    breaks: u64,
    /// How many had arrived before.
    pub(crate) index: u32,
}

/// A party died, gave up waiting or called [`abort`](super::Barrier::abort), and nobody has reset the barrier since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "BrokenBarrierError")]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier is broken: a party died, gave up waiting or aborted it; `reset` makes it whole again")
    }
}

impl StdError for Broken {}

/// So that a task that returns `std::io::Result` can write `wait()?`.
impl From<Broken> for io::Error {
    fn from(error: Broken) -> Self {
        Self::other(error)
    }
}

impl Rounds {
    pub(crate) const fn new(parties: u32) -> Self {
        Self {
            state: AtomicU64::new(0),
            tallies: [const { AtomicU64::new(0) }; TALLIES],
            parties,
            breaks: AtomicU64::new(0),
        }
    }

    pub(crate) fn parties(&self) -> u32 {
        self.parties
    }

    /// How many have arrived in the current round, unless it is over.
    pub(crate) fn arrived(&self) -> u32 {
        match self.current() {
            (_, _, Tally::Open(count)) => count,
            _ => 0,
        }
    }

    /// Whether the current round was broken, and nobody has reset the barrier since then.
    pub(crate) fn is_broken(&self) -> bool {
        self.current().2 == Tally::Broken
    }

    /// Arrives in the current round.
    #[inline]
    pub(crate) fn arrive(&self) -> Result<Arrival, Broken> {
        // Before the arrival: what is broken later is counted later.
        let breaks = self.breaks.load(Relaxed);
        loop {
            let turn = turn(self.state.load(Acquire));
            let tally = self.tally(turn);
            let seen = tally.load(Acquire);
            match self.read(seen, turn) {
                Tally::Open(index) => {
                    let new = word(turn, index + 1);
                    if tally.compare_exchange_weak(seen, new, AcqRel, Relaxed).is_ok() {
                        return Ok(Arrival { turn, breaks, index });
                    }
                }
                Tally::Broken => return Err(Broken),
                // Whoever ended it has not published that yet, or never will.
                tally => self.end(turn, tally),
            }
        }
    }

    /// For the last one to arrive: the next round begins.
    #[inline]
    pub(crate) fn complete(&self, arrival: Arrival) {
        self.publish(arrival.turn, arrival.turn.wrapping_add(2));
    }

    /// How the round of this arrival ended, if that was published.
    #[inline]
    pub(crate) fn outcome(&self, arrival: Arrival) -> Option<Result<(), Broken>> {
        let now = turn(self.state.load(Acquire));
        if now == arrival.turn {
            return None;
        }
        let seen = self.tally(arrival.turn).load(Acquire);
        let broken = if turn(seen) == arrival.turn {
            seen as u32 & BROKEN != 0
        } else {
            let breaks = self.breaks.load(Relaxed);
            match turn(breaks).wrapping_sub(turn(arrival.breaks)) {
                0 => false,
                1 => breaks as u32 == arrival.turn | 1,
                _ => true,
            }
        };
        Some(if broken { Err(Broken) } else { Ok(()) })
    }

    /// Breaks the round of this arrival, unless it is over.
    pub(crate) fn break_round(&self, arrival: Arrival) {
        while self.is_at(arrival.turn) {
            let seen = self.tally(arrival.turn).load(Acquire);
            match self.read(seen, arrival.turn) {
                Tally::Open(count) => _ = self.close(arrival.turn, seen, count | BROKEN),
                tally => self.end(arrival.turn, tally),
            }
        }
    }

    /// Breaks the current round; false says that it came to its end instead, or that another one was quicker.
    pub(crate) fn break_current(&self) -> bool {
        match self.current() {
            (turn, seen, Tally::Open(count)) => self.close(turn, seen, count | BROKEN),
            (turn, _, tally) => {
                self.end(turn, tally);
                true
            }
        }
    }

    /// Breaks a round that somebody waits in, and begins the next, in one step; false says that it came to its end instead, or that
    /// another one was quicker.
    pub(crate) fn restart(&self) -> bool {
        match self.current() {
            (_, _, Tally::Open(0)) => true,
            (turn, seen, Tally::Open(count)) => self.close(turn, seen, count | BROKEN | RESET),
            _ => false,
        }
    }

    /// Ends a round at the tally that was seen.
    fn close(&self, turn: u32, seen: u64, count: u32) -> bool {
        let [low, _] = futex::halves(&self.state);
        // Killed before it is published: a sleeper wakes up, and does that. (One who arrives last is a member.)
        let _announced = robust::announce(low);
        let new = word(turn, count);
        let done = self.tally(turn).compare_exchange(seen, new, AcqRel, Relaxed).is_ok();
        if done {
            self.end(turn, self.read(new, turn));
        }
        done
    }

    /// Publishes how a round ended.
    fn end(&self, now: u32, tally: Tally) {
        if matches!(tally, Tally::Broken | Tally::Reset) && self.is_at(now) && now & 1 == 0 {
            let count = |breaks| {
                (breaks as u32 != now | 1).then(|| word(turn(breaks).wrapping_add(1), now | 1))
            };
            let _ = self.breaks.fetch_update(AcqRel, Relaxed, count);
        }
        match tally {
            Tally::Open(_) | Tally::Past => {}
            Tally::Full | Tally::Reset => self.publish(now, now.wrapping_add(2)),
            Tally::Broken => self.publish(now & !1, now | 1),
        }
    }

    /// The turn at which the barrier is broken, if it is.
    pub(crate) fn broken(&self) -> Option<u32> {
        let (turn, _, tally) = self.current();
        (tally == Tally::Broken).then(|| {
            self.end(turn, tally);
            turn | 1
        })
    }

    /// Whether it is still this turn.
    pub(crate) fn is_at(&self, at: u32) -> bool {
        turn(self.state.load(Acquire)) == at
    }

    /// Begins a round after one that was broken at this turn, if nobody has done it yet.
    pub(crate) fn reopen(&self, broken: u32) {
        self.publish(broken, broken.wrapping_add(1));
    }

    /// Says that somebody goes to sleep in the round of this arrival, and what to sleep on: the words, and what each is to
    /// hold. `None` when the round is over.
    pub(crate) fn words_to_sleep_on(&self, arrival: Arrival) -> Option<[(&AtomicU32, u32); 2]> {
        // A round that was decided, but not published, by one who was killed in between.
        self.end(arrival.turn, self.read(self.tally(arrival.turn).load(Acquire), arrival.turn));
        let mark = |state| (turn(state) == arrival.turn).then_some(state | SLEEPERS);
        let state = self.state.fetch_update(AcqRel, Relaxed, mark).ok()? | SLEEPERS;
        let [low, high] = futex::halves(&self.state);
        Some([(low, state as u32), (high, arrival.turn)])
    }

    /// For everybody who has slept and finds the round over: does what is left of the work of the one who ended it.
    pub(crate) fn finish_waking(&self) {
        let state = self.state.load(Acquire);
        if state & WAKING == 0 {
            return;
        }
        let [low, _] = futex::halves(&self.state);
        // Killed in here, this is the next one whose work is left to do.
        let _announced = robust::announce(low);
        futex::wake_all(low);
        let done = |now| (now & WAKING != 0 && turn(now) == turn(state)).then_some(now & !WAKING);
        let _ = self.state.fetch_update(Relaxed, Relaxed, done);
    }

    /// The turn moves on, if nobody has moved it, and all who sleep are woken.
    #[inline]
    fn publish(&self, from: u32, to: u32) {
        let mut state = self.state.load(Relaxed);
        while turn(state) == from && state & (SLEEPERS | WAKING) == 0 {
            match self.state.compare_exchange_weak(state, word(to, 0), AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        if turn(state) == from {
            self.publish_to_sleepers(from, to);
        }
    }

    #[cold]
    fn publish_to_sleepers(&self, from: u32, to: u32) {
        let [low, _] = futex::halves(&self.state);
        let _announced = robust::announce(low);
        let moved = |state| (turn(state) == from).then_some(word(to, 0) | WAKING);
        if self.state.fetch_update(AcqRel, Relaxed, moved).is_ok() {
            self.finish_waking();
        }
    }

    /// The turn, and its tally, which is open or broken.
    fn current(&self) -> (u32, u64, Tally) {
        loop {
            let turn = turn(self.state.load(Acquire));
            let seen = self.tally(turn).load(Acquire);
            match self.read(seen, turn) {
                tally @ (Tally::Open(_) | Tally::Broken) => return (turn, seen, tally),
                tally => self.end(turn, tally),
            }
        }
    }

    fn tally(&self, turn: u32) -> &AtomicU64 {
        &self.tallies[turn as usize / 2 % TALLIES]
    }

    /// What a tally says about the round of a turn.
    #[inline]
    fn read(&self, seen: u64, now: u32) -> Tally {
        if now & 1 != 0 {
            return Tally::Broken;
        }
        let count = seen as u32;
        match turn(seen).wrapping_sub(now).cast_signed() {
            0 if count & RESET != 0 => Tally::Reset,
            0 if count & BROKEN != 0 => Tally::Broken,
            0 if count >= self.parties => Tally::Full,
            0 => Tally::Open(count),
            1.. => Tally::Past,
            // What an earlier round left.
            _ => Tally::Open(0),
        }
    }
}

fn turn(word: u64) -> u32 {
    (word >> 32) as u32
}

fn word(turn: u32, low: u32) -> u64 {
    u64::from(turn) << 32 | u64::from(low)
}
