//! Our queues, between processes of ours.

use std::sync::atomic::AtomicU64;

use offspring::{Message, Queue, Shared, daemon};

use super::case::Case;
use super::flow::{self, Measure};
use super::lane::Lane;
use crate::Fallible;
use crate::family::{self, Family};

/// Prepares what the case counts.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure<L: Lane + Message>(case: Case) -> Fallible<Measure> {
    let lanes = flow::lanes::<L>(case)?;
    let result = Shared::new(AtomicU64::new(0))?;
    let family = Family::new(2 * case.pairs(), |me, orders, done| {
        work::spawn(case.key(), me, &lanes, &result, orders, done)
    })?;
    Ok(Box::new(move |rounds| {
        let elapsed = family.order(flow::order(case, rounds))?;
        Ok(flow::answer(case, rounds, elapsed, &result))
    }))
}

#[daemon]
fn work<L: Lane + Message>(
    case: &str,
    me: usize,
    lanes: &[L],
    result: &Shared<AtomicU64>,
    orders: &Queue<u64>,
    done: &Queue<()>,
) {
    let case = Case::named(case).expect("a case");
    family::work(flow::part(lanes, case, me, result), orders, done);
}
