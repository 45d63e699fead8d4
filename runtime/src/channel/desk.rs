//! Where the jobs lie that somebody has taken, and has not finished: with a lock that says in whose hands each is.
//!
//! | lock             | job  | what it is |
//! | ---------------- | ---- | --- |
//! | free, or its holder died | 0 | a free desk |
//! | held             | some | a job in somebody's hands |
//! | free, or its holder died | some | a job that came back, and is given out again before any other |
//! | any              | some, given up | a dead letter |
//!
//! Kill points: a job is copied here before it is gone from the queue. So of a dead one's jobs, one whose number the queue's head has not
//! passed is still there, and means nothing here. A job is finished, or given up, by one store, inside of the `bell`'s gate, so
//! that those who wait for that are woken by the kernel if need be.
//!
//! Whoever gives out jobs is inside of the queue's gate for taking. Those who have one only finish it or give it back.
//!
//! # Safety
//! Lock words and plain words.

#![allow(unsafe_code, reason = "implements the unsafe trait Shareable")]

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::io::Errno;

use super::fault::{Action, Fault, Where};
use super::record::Kind;
use super::spot::Spot;
use crate::memory::Shareable;
use crate::memory::layout::Hasher;
use crate::sync::gate::Gate;
use crate::sync::patience::Patience;
use crate::sync::raw::{Held, RawLock};
use crate::sys::futex;
use crate::sys::memfd;
use crate::sys::robust;

/// How many jobs can be in progress, or be dead letters, at a time. (A thread's part of them is on its list of held locks,
/// of which the kernel reads 2048.)
pub(crate) const DESKS: usize = 1024;
/// Bytes of a job that lie in the table; those of a larger one lie behind it, in the same object.
const INLINE: usize = 64;
/// So far apart, and as large as a job can be.
const STRIDE: u64 = 1 << 34;

/// All desks of a queue.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Desks {
    /// Whoever waits for jobs to be finished sleeps here.
    pub(crate) bell: Gate,
    /// How often a job is given out before it is given up.
    attempts: AtomicU32,
    /// No desk from here on was ever used.
    used: AtomicU32,
    desks: [Desk; DESKS],
}

#[derive(Debug)]
#[repr(C, align(64))]
struct Desk {
    lock: RawLock,
    job: AtomicU64,
    len: AtomicU64,
    inline: [AtomicU64; INLINE / 8],
}

// SAFETY: see the module.
unsafe impl Shareable for Desks {
    const LAYOUT: u64 = Hasher::start("Desks").of::<Self>().finish();
    const LOCKS: bool = true;
}

/// What a desk's word says of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// How many items were put before it.
    pub(crate) number: u32,
    /// How often it has been given out.
    pub(crate) attempt: u32,
    pub(crate) kind: Kind,
    given_up: bool,
}

/// A desk in this thread's hands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    index: usize,
    held: Held,
}

const PRESENT: u64 = 1 << 63;
const GIVEN_UP: u64 = 1 << 62;
const ATTEMPTS_MAX: u32 = 0xffff;

impl Job {
    pub(crate) fn new(number: u32, kind: Kind) -> Self {
        Self { number, attempt: 1, kind, given_up: false }
    }

    fn to_word(self) -> u64 {
        let given_up = if self.given_up { GIVEN_UP } else { 0 };
        PRESENT
            | given_up
            | (self.kind as u64) << 48
            | (self.attempt as u64) << 32
            | self.number as u64
    }

    fn from_word(word: u64) -> Option<Self> {
        let kind = Kind::from_byte((word >> 48) as u8)?;
        let attempt = (word >> 32) as u32 & ATTEMPTS_MAX;
        let given_up = word & GIVEN_UP != 0;
        (word & PRESENT != 0).then_some(Self { number: word as u32, attempt, kind, given_up })
    }
}

impl Desks {
    /// Bytes of the object behind the table.
    pub(crate) const ROOM: u64 = STRIDE * (DESKS as u64 + 1);

    pub(crate) const fn new(attempts: u32) -> Self {
        Self {
            bell: Gate::new(),
            attempts: AtomicU32::new(attempts),
            used: AtomicU32::new(0),
            desks: [const {
                Desk {
                    lock: RawLock::new(),
                    job: AtomicU64::new(0),
                    len: AtomicU64::new(0),
                    inline: [const { AtomicU64::new(0) }; INLINE / 8],
                }
            }; DESKS],
        }
    }

    pub(crate) fn set_attempts(&self, attempts: u32) {
        self.attempts.store(attempts.clamp(1, ATTEMPTS_MAX), Relaxed);
    }

    /// Those that were ever used.
    fn used(&self) -> &[Desk] {
        let used = self.used.load(Acquire) as usize;
        &self.desks[..used.min(DESKS)]
    }

    /// Jobs that came back: the desk, and what it says.
    fn returned(&self, head: Spot) -> impl Iterator<Item = (usize, Job)> {
        self.used().iter().enumerate().filter_map(move |(index, desk)| {
            let job = Job::from_word(desk.job.load(SeqCst))?;
            let is_back = !desk.lock.is_locked() && !job.given_up && head.has_passed(job.number);
            is_back.then_some((index, job))
        })
    }

    /// How many jobs came back.
    pub(crate) fn count_returned(&self, head: Spot) -> usize {
        self.returned(head).count()
    }

    /// Whether a job is in somebody's hands, or came back.
    pub(crate) fn has_unfinished(&self, head: Spot) -> bool {
        self.used().iter().any(|desk| {
            let job = Job::from_word(desk.job.load(SeqCst));
            job.is_some_and(|job| !job.given_up && head.has_passed(job.number))
        })
    }

    /// Words to sleep on for one who waits for a job to come back, with what they hold: at most `most`.
    pub(crate) fn watch(&self, most: usize) -> Vec<(&AtomicU32, u32)> {
        let me = Some(robust::current().tid());
        let others =
            self.used().iter().filter(|desk| desk.lock.is_locked() && desk.lock.owner() != me);
        others.filter_map(|desk| Some((desk.lock.word(), desk.lock.watch()?))).take(most).collect()
    }

    /// For one who has slept on those words, and takes no job: a job that comes back wakes one sleeper only.
    pub(crate) fn wake_others(&self, head: Spot) {
        for (index, _) in self.returned(head) {
            futex::wake_all(self.desks[index].lock.word());
        }
    }

    /// Takes the oldest job that came back, and gives up those that came back too often.
    pub(crate) fn take_returned(&self, head: Spot) -> Result<Option<(Hold, Job)>, Fault> {
        while let Some((index, mut job)) = self.oldest_returned(head) {
            let desk = &self.desks[index];
            let Ok(held) = desk.lock.lock_as(robust::Kind::Place, Patience::None) else { continue };
            let hold = Hold { index, held };
            if job.attempt >= self.attempts.load(Relaxed) {
                job.given_up = true;
                self.say(hold, job.to_word())?;
                self.give_back(hold);
                continue;
            }
            job.attempt += 1;
            // Killed before this line, it has not been given out once more; after it, it has.
            desk.job.store(job.to_word(), SeqCst);
            return Ok(Some((hold, job)));
        }
        Ok(None)
    }

    fn oldest_returned(&self, head: Spot) -> Option<(usize, Job)> {
        // Numbers go round: the one that the head has passed longest ago.
        self.returned(head).max_by_key(|(_, job)| head.count_since_number(job.number))
    }

    /// Puts a job on a free desk; until the head has passed its number, it means nothing.
    pub(crate) fn lay_down(
        &self,
        fd: &OwnedFd,
        job: Job,
        bytes: &[u8],
        head: Spot,
    ) -> Result<Hold, Fault> {
        let hold = self.free_desk(head)?;
        let desk = &self.desks[hold.index];
        desk.len.store(bytes.len() as u64, Relaxed);
        let written = if bytes.len() <= INLINE {
            for (word, bytes) in desk.inline.iter().zip(bytes.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                word.store(u64::from_ne_bytes(whole), Relaxed);
            }
            Ok(())
        } else {
            write_behind(fd, hold.index, bytes)
        };
        if let Err(fault) = written {
            self.give_back(hold);
            return Err(fault);
        }
        // Release: the bytes are there.
        desk.job.store(job.to_word(), Release);
        Ok(hold)
    }

    fn free_desk(&self, head: Spot) -> Result<Hold, Fault> {
        for (index, desk) in self.desks.iter().enumerate() {
            let job = Job::from_word(desk.job.load(SeqCst));
            let is_free = job.is_none_or(|job| !job.given_up && !head.has_passed(job.number));
            if desk.lock.is_locked() || !is_free {
                continue;
            }
            if index >= self.used.load(Relaxed) as usize {
                self.used.store(index as u32 + 1, SeqCst);
            }
            if let Ok(held) = desk.lock.lock_as(robust::Kind::Place, Patience::None) {
                desk.job.store(0, SeqCst);
                return Ok(Hold { index, held });
            }
        }
        Err(Fault::NoDesk)
    }

    /// The bytes of a job.
    pub(crate) fn read(&self, fd: &OwnedFd, hold: Hold) -> Result<Vec<u8>, Fault> {
        let desk = &self.desks[hold.index];
        let len = usize::try_from(desk.len.load(Relaxed)).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        if len <= INLINE {
            let words = desk.inline.iter().map(|word| word.load(Relaxed).to_ne_bytes());
            bytes.extend(words.flatten().take(len));
            return Ok(bytes);
        }
        let held = memfd::extent(std::os::fd::AsFd::as_fd(fd)).map_or(0, |extent| extent.reserved);
        if len as u64 > held {
            return Err(Fault::Garbled(Where::Length));
        }
        bytes.try_reserve_exact(len).map_err(|_| Fault::System(Action::Take, Errno::NOMEM))?;
        bytes.resize(len, 0);
        memfd::read_exact_at(fd, &mut bytes, STRIDE * (hold.index as u64 + 1))
            .map_err(|error| failed(&error))?;
        Ok(bytes)
    }

    /// The job is finished.
    pub(crate) fn finish(&self, fd: &OwnedFd, hold: Hold) {
        // It fails only in a signal handler that has interrupted this thread here: those who wait see it at their next look.
        if self.say(hold, 0).is_err() {
            self.desks[hold.index].job.store(0, SeqCst);
        }
        if self.desks[hold.index].len.load(Relaxed) > INLINE as u64 {
            let _ = memfd::give_back(fd, STRIDE * (hold.index as u64 + 1), STRIDE);
        }
        self.give_back(hold);
    }

    /// Writes a desk's word, and wakes those who wait for that.
    fn say(&self, hold: Hold, word: u64) -> Result<(), Fault> {
        let _inside = self.bell.enter(Patience::Endless).map_err(|_| Fault::Inside)?;
        self.desks[hold.index].job.store(word, SeqCst);
        Ok(())
    }

    /// The desk is in nobody's hands; the job, if it is not finished, has come back.
    pub(crate) fn give_back(&self, hold: Hold) {
        self.desks[hold.index].lock.unlock(hold.held);
    }

    /// Takes a dead letter.
    pub(crate) fn take_given_up(&self) -> Option<(Hold, Job)> {
        self.used().iter().enumerate().find_map(|(index, desk)| {
            let job = Job::from_word(desk.job.load(SeqCst)).filter(|job| job.given_up)?;
            let held = desk.lock.lock_as(robust::Kind::Place, Patience::None).ok()?;
            Some((Hold { index, held }, job))
        })
    }

    /// Whether a job that was put with this number may be given out once more.
    pub(crate) fn may_need(&self, number: u32) -> bool {
        let jobs = self.used().iter().filter_map(|desk| Job::from_word(desk.job.load(SeqCst)));
        jobs.into_iter().any(|job| job.number == number)
    }
}

fn write_behind(fd: &OwnedFd, index: usize, bytes: &[u8]) -> Result<(), Fault> {
    let at = STRIDE * (index as u64 + 1);
    memfd::reserve(fd, at, bytes.len() as u64).map_err(|error| failed(&error))?;
    memfd::write_all_at(fd, bytes, at).map_err(|error| failed(&error))
}

fn failed(error: &std::io::Error) -> Fault {
    Fault::System(Action::Take, Errno::from_io_error(error).unwrap_or(Errno::NOMEM))
}
