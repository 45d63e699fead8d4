//! Many who wait at the same queue, by `select` and by `get`; and busy things beside seldom ones.

use std::collections::BTreeSet;
use std::thread;

use offspring::{Event, Process, Queue, TryGetError, process, select};

use crate::support::{A_WHILE, SOON, until, until_asleep, with_byte};

/// Takes what it can, and counts it, until it is to stop.
#[process]
fn take_by_select(queue: &Queue<u32>, stop: &Event, taken: &Queue<u32>) {
    loop {
        let ready = select(&[queue, stop], None).unwrap();
        if ready.contains(&0) {
            match queue.try_get() {
                Ok(item) => taken.put(item).unwrap(),
                Err(TryGetError::Empty) => {}
                Err(TryGetError::Closed) => return,
                Err(other) => panic!("{other}"),
            }
        }
        if ready.contains(&1) {
            return;
        }
    }
}

#[process]
fn take_by_get(queue: &Queue<u32>, taken: &Queue<u32>) {
    for item in queue {
        taken.put(item).unwrap();
    }
}

/// Each is told that there is something; all but one may find that another was quicker.
#[process]
fn take_one(queue: &Queue<u32>, done: &Event) -> usize {
    let mut count = 0;
    while !done.is_set() {
        select(&[queue, done], SOON).unwrap();
        count += usize::from(queue.try_get().is_ok());
    }
    count
}

fn asleep<R>(process: Process<R>) -> Process<R> {
    until_asleep(process.pid());
    process
}

under_each_method! {
    fn one_item_for_many_selectors() {
        for round in 0..5 {
            let (queue, done) = (Queue::new().unwrap(), Event::new().unwrap());
            let all: Vec<_> =
                (0..4).map(|_| asleep(take_one::spawn(&queue, &done).unwrap())).collect();
            queue.put(round).unwrap();
            until(|| queue.is_empty());
            done.set();
            let taken: usize = all.into_iter().map(|one| one.join().unwrap()).sum();
            assert_eq!(taken, 1);
        }
    }

    fn select_and_get_at_the_same_queue() {
        const ITEMS: u32 = 3000;
        let (queue, taken, stop) =
            (Queue::new().unwrap(), Queue::new().unwrap(), Event::new().unwrap());
        let getters: Vec<_> =
            (0..2).map(|_| asleep(take_by_get::spawn(&queue, &taken).unwrap())).collect();
        let selectors: Vec<_> =
            (0..2).map(|_| asleep(take_by_select::spawn(&queue, &stop, &taken).unwrap())).collect();
        let mut seen = BTreeSet::new();
        for item in 0..ITEMS {
            queue.put(item).unwrap();
            // Now and then all are asleep when it comes.
            if item % 100 == 0 {
                while seen.len() <= item as usize {
                    assert!(seen.insert(taken.get().unwrap()));
                }
                thread::sleep(A_WHILE / 50);
            }
        }
        while seen.len() < ITEMS as usize {
            assert!(seen.insert(taken.get().unwrap()), "taken twice");
        }
        queue.close();
        stop.set();
        getters.into_iter().for_each(|one| one.join().unwrap());
        selectors.into_iter().for_each(|one| one.join().unwrap());
        assert!(taken.is_empty());
    }
}

#[process]
fn fill(queue: &Queue<u32>, stop: &Event) {
    while !stop.is_set() {
        queue.put(0).unwrap();
    }
}

under_each_method! {
    /// Those in front are ready all the time; what stands behind them is reported all the same, each time.
    fn busy_things_do_not_hide_seldom_ones() {
        let (busy, seldom) = (Queue::bounded(8).unwrap(), Queue::new().unwrap());
        let (stop, (socket, _other)) = (Event::new().unwrap(), with_byte());
        let filler = fill::spawn(&busy, &stop).unwrap();
        for item in 0..500 {
            seldom.put(item).unwrap();
            select(&[&busy], None).unwrap();
            assert_eq!(select(&[&busy, &socket, &seldom], None).unwrap(), [0, 1, 2]);
            busy.get().unwrap();
            assert_eq!(seldom.get().unwrap(), item);
            assert!(select(&[&busy, &seldom], None).unwrap() == [0]);
        }
        stop.set();
        while filler.is_alive() {
            let _ = busy.try_get();
        }
        filler.join().unwrap();
    }
}
