//! The three things that are measured of a lane: how fast items flow, how long one there and one back takes, and what
//! waiting costs.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::case::{Case, Kind};
use super::lane::{Lane, Look, Seen, source};
use crate::crew::{Crew, Hands};
use crate::{Fallible, memory};

/// Does so many iterations, and says how long they took.
pub type Measure = Box<dyn FnMut(u64) -> Fallible<Duration>>;

/// What one of a crew does with an order.
pub type Part<'a> = Box<dyn FnMut(u64) + 'a>;

/// Prepares what the case counts.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure<L: Lane>(case: Case, hands: Hands) -> Fallible<Measure> {
    let lanes: &[L] = memory::kept(lanes(case)?);
    let result = memory::shared(AtomicU64::new(0))?;
    let begin = move |me| part(lanes, case, me, result);
    let mut crew = Crew::with(2 * case.pairs(), hands, begin)?;
    Ok(Box::new(move |rounds| Ok(answer(case, rounds, crew.order(order(case, rounds))?, result))))
}

/// The lanes that the case needs.
///
/// # Errors
/// When the system refuses what they need.
pub fn lanes<L: Lane>(case: Case) -> Fallible<Vec<L>> {
    let there_and_back = matches!(case.kind(), Kind::Trips { .. });
    (0..if there_and_back { 2 } else { 1 }).map(|_| L::new(case)).collect()
}

/// What to tell everybody for so many iterations: how many items there are in all.
pub fn order(case: Case, rounds: u64) -> u64 {
    rounds * case.items() as u64
}

/// What criterion is to take for the time of so many iterations.
pub fn answer(case: Case, rounds: u64, elapsed: Duration, result: &AtomicU64) -> Duration {
    match case.kind() {
        Kind::Flow => elapsed,
        Kind::Trips { .. } => Duration::from_nanos(rounds * result.load(Relaxed)),
        Kind::Idle => Duration::from_nanos(result.load(Relaxed)),
    }
}

/// The part of the one with this number, called where it runs.
///
/// # Panics
/// When it cannot begin.
pub fn part<'a, L: Lane>(lanes: &'a [L], case: Case, me: usize, result: &'a AtomicU64) -> Part<'a> {
    match (case.kind(), lanes) {
        (Kind::Flow, [lane]) if me < case.pairs() => produce(lane, case),
        (Kind::Flow, [lane]) => consume(lane, case),
        (Kind::Trips { percent }, [there, back]) if me == 0 => {
            ask(there, back, case, percent, result)
        }
        (Kind::Trips { .. }, [there, back]) => reply(there, back, case),
        (Kind::Idle, [lane]) if me == 0 => put_late(lane, case),
        (Kind::Idle, [lane]) => wait(lane, result),
        _ => unreachable!("`lanes` has made as many as it takes"),
    }
}

fn produce(lane: &impl Lane, case: Case) -> Part<'_> {
    let mut put = lane.producer().expect("a producer begins");
    let (source, share) = (source(case), (case.pairs() * case.batch()) as u64);
    Box::new(move |items| (0..items / share).for_each(|_| put(&source)))
}

fn consume(lane: &impl Lane, case: Case) -> Part<'_> {
    let mut get = lane.consumer().expect("a consumer begins");
    let batch = Look::new(case).at(&source(case));
    let share = case.pairs() as u64;
    Box::new(move |items| {
        let mut seen = Seen::default();
        while seen.items < items / share {
            seen = seen.and(get());
        }
        let batches = items / share / batch.items;
        let expected = Seen { items: items / share, sum: batches.wrapping_mul(batch.sum) };
        assert_eq!(seen, expected, "what was put is not what was got");
    })
}

fn ask<'a, L: Lane>(
    there: &'a L,
    back: &'a L,
    case: Case,
    percent: usize,
    result: &'a AtomicU64,
) -> Part<'a> {
    let mut put = there.producer().expect("a producer begins");
    let mut get = back.consumer().expect("a consumer begins");
    let (source, mut times) = (source(case), Vec::new());
    Box::new(move |trips| {
        times.clear();
        let mut last = Instant::now();
        for _ in 0..trips {
            put(&source);
            get();
            let now = Instant::now();
            times.push((now - last).as_nanos() as u64);
            last = now;
        }
        let rank = times.len() * percent / 100;
        result.store(*times.select_nth_unstable(rank).1, Relaxed);
    })
}

fn reply<'a, L: Lane>(there: &'a L, back: &'a L, case: Case) -> Part<'a> {
    let mut put = back.producer().expect("a producer begins");
    let mut get = there.consumer().expect("a consumer begins");
    let source = source(case);
    Box::new(move |trips| {
        for _ in 0..trips {
            get();
            put(&source);
        }
    })
}

fn put_late(lane: &impl Lane, case: Case) -> Part<'_> {
    let mut put = lane.producer().expect("a producer begins");
    let source = source(case);
    Box::new(move |seconds| {
        for _ in 0..seconds {
            thread::sleep(Duration::from_secs(1));
            put(&source);
        }
    })
}

fn wait<'a>(lane: &'a impl Lane, result: &'a AtomicU64) -> Part<'a> {
    let mut get = lane.consumer().expect("a consumer begins");
    let processor_time =
        || Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock"));
    Box::new(move |seconds| {
        let before = processor_time();
        for _ in 0..seconds {
            get();
        }
        result.store((processor_time() - before).as_nanos() as u64, Relaxed);
    })
}
