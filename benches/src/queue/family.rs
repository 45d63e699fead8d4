//! Our queues, between processes of ours: what they are told and what they answer goes through queues as well.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use offspring::{GetTimeoutError, Message, Process, Queue, Shared, daemon};

use super::case::Case;
use super::flow::{self, Measure};
use super::lane::Lane;
use crate::Fallible;

/// How often to look whether everybody is alive.
const LOOK: Duration = Duration::from_secs(1);

/// Processes that wait for orders. They end when it is dropped.
struct Family {
    orders: Vec<Queue<u64>>,
    done: Queue<()>,
    processes: Vec<Process<()>>,
}

/// Prepares what the case counts.
///
/// # Errors
/// When the system refuses what it needs.
pub fn measure<L: Lane + Message>(case: Case) -> Fallible<Measure> {
    let lanes = flow::lanes::<L>(case)?;
    let result = Shared::new(AtomicU64::new(0))?;
    let mut family = Family { orders: Vec::new(), done: Queue::new()?, processes: Vec::new() };
    for me in 0..2 * case.pairs() {
        let orders = Queue::new()?;
        let process = work::spawn(case.key(), me, &lanes, &result, &orders, &family.done)?;
        family.orders.push(orders);
        family.processes.push(process);
    }
    family.hear_of_all()?;
    Ok(Box::new(move |rounds| {
        let elapsed = family.order(flow::order(case, rounds))?;
        Ok(flow::answer(case, rounds, elapsed, &result))
    }))
}

impl Family {
    fn order(&self, order: u64) -> Fallible<Duration> {
        let start = Instant::now();
        for orders in &self.orders {
            orders.put(order)?;
        }
        self.hear_of_all()?;
        Ok(start.elapsed())
    }

    fn hear_of_all(&self) -> Fallible<()> {
        let mut missing = self.processes.len();
        while missing > 0 {
            match self.done.get_timeout(LOOK) {
                Ok(()) => missing -= 1,
                Err(GetTimeoutError::TimedOut) if self.processes.iter().all(Process::is_alive) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.orders.iter().for_each(Queue::close);
        for process in self.processes.drain(..) {
            // One that has failed has left others waiting.
            if !matches!(process.wait_timeout(LOOK), Ok(Some(_))) {
                let _ = process.kill();
            }
        }
    }
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
    let mut part = flow::part(lanes, case, me, result);
    done.put(()).expect("the agent listens");
    for order in orders {
        part(order);
        done.put(()).expect("the agent listens");
    }
}
