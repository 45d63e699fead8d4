//! A queue for so many items: who puts more waits, or is told.

use std::thread;
use std::time::{Duration, Instant};

use offspring::{PutTimeoutError, Queue, TryPutError, process};

use crate::support::{A_WHILE, DEADLINE, until, until_asleep};

#[process]
fn put(queue: &Queue<String>, text: &str) {
    queue.put(text.to_owned()).unwrap();
}

#[process]
fn put_many(queue: &Queue<u32>, count: u32) {
    queue.put_many(0..count).unwrap();
}

under_each_method! {
    fn who_puts_more_waits_until_something_is_taken() {
        let queue = Queue::bounded(2).unwrap();
        for text in ["one", "two"] {
            queue.put(text.to_owned()).unwrap();
        }
        let waiter = put::spawn(&queue, "three").unwrap();
        until_asleep(waiter.pid());
        assert_eq!((queue.len(), queue.is_full()), (2, true));
        assert_eq!(queue.get().unwrap(), "one");
        waiter.join().unwrap();
        assert!(queue.is_full());
        assert_eq!(queue.get_many(5).unwrap(), ["two", "three"]);
    }

    /// Each that is taken lets one more in, and those who wait for room come all.
    fn all_who_wait_for_room_get_some() {
        let queue = Queue::bounded(1).unwrap();
        queue.put("first".to_owned()).unwrap();
        let waiters: Vec<_> = (0..4).map(|it| put::spawn(&queue, &it.to_string()).unwrap()).collect();
        waiters.iter().for_each(|it| until_asleep(it.pid()));
        assert_eq!(queue.get().unwrap(), "first");
        let mut rest: Vec<_> = (0..4).map(|_| queue.get().unwrap()).collect();
        rest.sort_unstable();
        assert_eq!(rest, ["0", "1", "2", "3"]);
        waiters.into_iter().for_each(|it| it.join().unwrap());
        assert!(queue.is_empty());
    }

    fn many_come_in_as_there_is_room() {
        let queue = Queue::bounded(10).unwrap();
        let putter = put_many::spawn(&queue, 1000).unwrap();
        until(|| queue.is_full());
        for number in 0..1000 {
            assert_eq!(queue.get().unwrap(), number);
            assert!(queue.len() <= 10);
        }
        putter.join().unwrap();
    }
}

#[test]
fn is_full_at_its_bound_and_says_so() {
    let queue = Queue::bounded(3).unwrap();
    assert_eq!((queue.capacity(), queue.len(), queue.is_full()), (Some(3), 0, false));
    queue.put_many([1, 2]).unwrap();
    assert!(!queue.is_full() && !queue.is_empty());
    queue.try_put(3).unwrap();
    assert_eq!((queue.len(), queue.is_full()), (3, true));
    assert!(matches!(queue.try_put(4), Err(TryPutError::Full(4))));
    let start = Instant::now();
    let refused = queue.put_timeout(5, A_WHILE);
    assert!(matches!(refused, Err(PutTimeoutError::TimedOut(5))), "{refused:?}");
    assert!(start.elapsed() >= A_WHILE, "too early");
    assert!(matches!(queue.put_timeout(6, Duration::ZERO), Err(PutTimeoutError::TimedOut(6))));
    assert_eq!(queue.try_get().unwrap(), 1);
    queue.put_timeout(7, DEADLINE).unwrap();
    assert_eq!(queue.get_many(4).unwrap(), [2, 3, 7]);
    // Often enough to go around in the memory several times.
    for number in 0..20_000 {
        queue.put(number).unwrap();
        queue.put(number).unwrap();
        assert_eq!(queue.get().unwrap() + queue.get().unwrap(), 2 * number);
    }
    assert!(format!("{queue:?}").contains("capacity: Some(3)"), "{queue:?}");
}

#[test]
fn a_queue_that_grows_is_never_full() {
    let queue = Queue::new().unwrap();
    assert_eq!((queue.capacity(), queue.is_full()), (None, false));
    queue.put_many(0..100_000_u64).unwrap();
    assert_eq!((queue.len(), queue.is_full()), (100_000, false));
}

/// Time runs out also while others, who were first, wait for the same thing.
#[test]
fn a_timeout_holds_behind_others_who_wait() {
    let queue = Queue::<u32>::bounded(1).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| queue.get());
        thread::sleep(A_WHILE);
        let start = Instant::now();
        assert!(queue.get_timeout(A_WHILE).is_err());
        assert!(start.elapsed() >= A_WHILE);
        assert!(start.elapsed() < DEADLINE);
        queue.put(1).unwrap();
        assert_eq!(first.join().unwrap().unwrap(), 1);
    });
}

/// A bound on items is none on their size.
#[test]
fn a_bounded_queue_takes_large_items() {
    let queue = Queue::bounded(2).unwrap();
    let large = vec![7_u8; 5 << 20];
    for _ in 0..5 {
        queue.put(large.clone()).unwrap();
        queue.put(vec![1]).unwrap();
        assert!(queue.try_put(vec![]).is_err());
        assert!(queue.get().unwrap() == large);
        assert_eq!(queue.get().unwrap(), [1]);
    }
}

#[test]
#[should_panic(expected = "not for 0")]
fn no_queue_is_for_no_items() {
    let _ = Queue::<u8>::bounded(0);
}

#[test]
#[should_panic(expected = "not for 134217729")]
fn no_queue_is_for_more_items_than_can_be_counted() {
    let _ = Queue::<u8>::bounded((1 << 27) + 1);
}
