//! Processes of ours that wait for orders: what they are told and what they answer goes through our queues.

use std::time::{Duration, Instant};

use offspring::{GetTimeoutError, Process, Queue};

use crate::Fallible;

/// How often to look whether everybody is alive.
const LOOK: Duration = Duration::from_secs(1);

/// Processes that wait for orders. They end when it is dropped.
pub(crate) struct Family {
    orders: Vec<Queue<u64>>,
    done: Queue<()>,
    processes: Vec<Process<()>>,
}

impl Family {
    /// So many, each started with its number, a queue of orders and one for its answers, which it gives to [`work`].
    /// All have begun when this returns.
    pub(crate) fn new(
        of: usize,
        mut start: impl FnMut(usize, &Queue<u64>, &Queue<()>) -> offspring::Result<Process<()>>,
    ) -> Fallible<Self> {
        let mut family = Self { orders: Vec::new(), done: Queue::new()?, processes: Vec::new() };
        for me in 0..of {
            let orders = Queue::new()?;
            family.processes.push(start(me, &orders, &family.done)?);
            family.orders.push(orders);
        }
        family.hear_of_all()?;
        Ok(family)
    }

    /// How long everybody's part of this order takes.
    pub(crate) fn order(&self, order: u64) -> Fallible<Duration> {
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

/// What each does, once it has begun.
pub(crate) fn work(mut part: impl FnMut(u64), orders: &Queue<u64>, done: &Queue<()>) {
    done.put(()).expect("the agent listens");
    for order in orders {
        part(order);
        done.put(()).expect("the agent listens");
    }
}
