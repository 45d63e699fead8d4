//! Deaths of those who wait, or have something in their hands: the others go on at once.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use offspring::{Event, Process, Queue, Shared, process};

use crate::support::{A_WHILE, kill, until_asleep};

#[process]
fn get_for_ever(queue: &Queue<u64>) {
    while queue.get().is_ok() {}
}

#[process]
fn get_one(queue: &Queue<u64>) -> u64 {
    queue.get().unwrap()
}

#[process]
fn put_for_ever(queue: &Queue<u64>) {
    while queue.put(1).is_ok() {}
}

#[process]
fn put_one(queue: &Queue<u64>, number: u64) {
    queue.put(number).unwrap();
}

fn sleep_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// Reads the first item, and never comes to an end.
#[process]
fn read_for_ever(queue: &Queue<u64>, reading: &Event) {
    let read = queue.get_with(|_| {
        reading.set();
        sleep_for_ever()
    });
    read.unwrap_or(());
}

/// Has room, and never uses it.
#[process]
fn reserve_for_ever(queue: &Queue<u64>, writing: &Event) {
    let _room = queue.reserve().unwrap();
    writing.set();
    sleep_for_ever()
}

#[process]
fn close(queue: &Queue<u64>) {
    queue.close();
}

fn asleep<T>(process: Process<T>) -> Process<T> {
    until_asleep(process.pid());
    process
}

under_each_method! {
    /// The first one, in whose turn an item would come, and one from the middle.
    fn killed_while_they_wait_for_an_item() {
        let queue = Queue::new().unwrap();
        let first = asleep(get_for_ever::spawn(&queue).unwrap());
        let second = asleep(get_one::spawn(&queue).unwrap());
        let third = asleep(get_for_ever::spawn(&queue).unwrap());
        let fourth = asleep(get_one::spawn(&queue).unwrap());
        kill(first);
        queue.put(1).unwrap();
        assert_eq!(second.join().unwrap(), 1);
        kill(third);
        queue.put(2).unwrap();
        assert_eq!(fourth.join().unwrap(), 2);
    }

    fn killed_while_they_wait_for_room() {
        let queue = Queue::bounded(1).unwrap();
        queue.put(0).unwrap();
        let first = asleep(put_for_ever::spawn(&queue).unwrap());
        let second = asleep(put_one::spawn(&queue, 2).unwrap());
        let third = asleep(put_for_ever::spawn(&queue).unwrap());
        let fourth = asleep(put_one::spawn(&queue, 4).unwrap());
        kill(first);
        kill(third);
        assert_eq!(queue.get().unwrap(), 0);
        let rest = [queue.get().unwrap(), queue.get().unwrap()];
        assert!(rest == [2, 4] || rest == [4, 2], "{rest:?}");
        second.join().unwrap();
        fourth.join().unwrap();
    }

    /// What it read is gone, and the others go on.
    fn killed_while_it_reads_in_place() {
        let (queue, reading) = (Queue::bounded(3).unwrap(), Event::new().unwrap());
        queue.put_many([1, 2, 3]).unwrap();
        let reader = read_for_ever::spawn(&queue, &reading).unwrap();
        reading.wait();
        let putter = asleep(put_one::spawn(&queue, 4).unwrap());
        let taker = asleep(get_one::spawn(&queue).unwrap());
        kill(reader);
        assert_eq!(taker.join().unwrap(), 2);
        putter.join().unwrap();
        assert_eq!(queue.get_many(5).unwrap(), [3, 4]);
    }

    /// What it wrote is not there.
    fn killed_while_it_writes_in_place() {
        let (queue, writing) = (Queue::bounded(3).unwrap(), Event::new().unwrap());
        queue.put(1).unwrap();
        let writer = reserve_for_ever::spawn(&queue, &writing).unwrap();
        writing.wait();
        let putter = asleep(put_one::spawn(&queue, 2).unwrap());
        kill(writer);
        putter.join().unwrap();
        assert_eq!(queue.get_many(5).unwrap(), [1, 2]);
    }

    /// Those who come after the dead are told of the end like all.
    fn killed_before_it_is_closed() {
        let queue = Queue::new().unwrap();
        let doomed: Vec<_> = (0..2).map(|_| asleep(get_for_ever::spawn(&queue).unwrap())).collect();
        let waiter = asleep(get_for_ever::spawn(&queue).unwrap());
        doomed.into_iter().for_each(kill);
        close::spawn(&queue).unwrap().join().unwrap();
        waiter.join().unwrap();
    }
}

/// Puts numbers from where the last one was cut off, and says how far it has come.
#[process]
fn count_up(queue: &Queue<u64>, done: &Shared<AtomicU32>) {
    loop {
        let next = done.load(SeqCst);
        queue.put(u64::from(next)).unwrap();
        done.store(next + 1, SeqCst);
    }
}

under_each_method! {
    /// Each is killed somewhere: at most the one that it was about to count comes twice, and none is missing.
    fn killed_while_they_put() {
        let (queue, done) = (Queue::bounded(8).unwrap(), Shared::new(AtomicU32::new(0)).unwrap());
        let mut expected = 0;
        for round in 0..20 {
            let putter = count_up::spawn(&queue, &done).unwrap();
            let enough = expected + 100;
            while expected < enough {
                let number = queue.get().unwrap();
                assert!(number == expected || number + 1 == expected, "{number} {expected}");
                expected = number + 1;
            }
            thread::sleep(Duration::from_micros(37 * round));
            kill(putter);
            // What it has left, of which it has counted all but one.
            while let Ok(number) = queue.try_get() {
                assert_eq!(number, expected);
                expected += 1;
            }
            let counted = u64::from(done.load(SeqCst));
            assert!(expected == counted || expected == counted + 1, "{expected} {counted}");
        }
    }

    fn killed_while_they_take() {
        let queue = Queue::bounded(4).unwrap();
        let mut next = 0;
        for _ in 0..20 {
            let taker = get_for_ever::spawn(&queue).unwrap();
            let enough = next + 50;
            while next < enough {
                queue.put(next).unwrap();
                next += 1;
            }
            kill(taker);
            let left: Vec<_> = std::iter::from_fn(|| queue.try_get().ok()).collect();
            // Those that came last, without a gap.
            assert!(left.iter().copied().eq(next - left.len() as u64..next), "{left:?} {next}");
        }
        thread::sleep(A_WHILE);
        assert!(queue.is_empty());
    }
}
