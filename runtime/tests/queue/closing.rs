//! Closing: nothing goes in any more, all that is in comes out, and everybody who waits is told.

use std::thread;

use offspring::{
    GetError, GetTimeoutError, PutError, PutTimeoutError, Queue, TryGetError, TryPutError, process,
};

use crate::support::{A_WHILE, DEADLINE, until_asleep};

/// Takes until there is no more; how many, and whether it was told that the queue is closed.
#[process]
fn drain(queue: &Queue<u64>) -> (usize, bool) {
    let mut count = 0;
    loop {
        match queue.get() {
            Ok(_) => count += 1,
            Err(error) => return (count, matches!(error, GetError::Closed)),
        }
    }
}

#[process]
fn count(queue: &Queue<u64>) -> usize {
    queue.iter().count()
}

/// Puts one, and says what comes back if it is refused.
#[process]
fn put(queue: &Queue<u64>, number: u64) -> Option<u64> {
    match queue.put(number) {
        Err(PutError::Closed(number)) => Some(number),
        other => other.map(|()| None).unwrap(),
    }
}

#[process]
fn close(queue: &Queue<u64>) {
    queue.close();
}

under_each_method! {
    fn what_is_in_it_comes_out() {
        let queue = Queue::new().unwrap();
        queue.put_many(0..5000).unwrap();
        queue.close();
        let takers: Vec<_> = (0..3).map(|_| drain::spawn(&queue).unwrap()).collect();
        let taken: Vec<_> = takers.into_iter().map(|it| it.join().unwrap()).collect();
        assert_eq!(taken.iter().map(|it| it.0).sum::<usize>(), 5000);
        assert!(taken.iter().all(|it| it.1), "{taken:?}");
    }

    fn those_who_wait_for_an_item_are_told() {
        let queue = Queue::new().unwrap();
        let takers: Vec<_> = (0..3).map(|_| drain::spawn(&queue).unwrap()).collect();
        let counting = count::spawn(&queue).unwrap();
        takers.iter().for_each(|it| until_asleep(it.pid()));
        until_asleep(counting.pid());
        close::spawn(&queue).unwrap().join().unwrap();
        assert!(queue.is_closed());
        for taker in takers {
            assert_eq!(taker.join().unwrap(), (0, true));
        }
        assert_eq!(counting.join().unwrap(), 0);
    }

    fn those_who_wait_for_room_are_told_and_keep_their_items() {
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        let putters: Vec<_> = (2..5).map(|it| put::spawn(&queue, it).unwrap()).collect();
        putters.iter().for_each(|it| until_asleep(it.pid()));
        queue.close();
        for (number, putter) in (2..5).zip(putters) {
            assert_eq!(putter.join().unwrap(), Some(number));
        }
        assert_eq!(queue.get().unwrap(), 1);
        assert!(matches!(queue.get(), Err(GetError::Closed)));
    }
}

#[test]
fn each_operation_says_that_it_is_closed() {
    let queue = Queue::bounded(5).unwrap();
    queue.put_many(["a", "b", "c"].map(str::to_owned)).unwrap();
    assert!(!queue.is_closed());
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    let text = "text".to_owned();
    assert!(matches!(queue.put(text.clone()), Err(PutError::Closed(back)) if back == text));
    assert!(matches!(queue.try_put(text.clone()), Err(TryPutError::Closed(back)) if back == text));
    let refused = queue.put_timeout(text.clone(), A_WHILE);
    assert!(matches!(refused, Err(PutTimeoutError::Closed(back)) if back == text));
    let refused = queue.put_many((0..100).map(|number| number.to_string()));
    assert!(matches!(refused, Err(PutError::Closed(back)) if back.len() == 100));
    assert_eq!(queue.get_many(2).unwrap(), ["a", "b"]);
    assert_eq!(queue.try_get().unwrap(), "c");
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    assert!(matches!(queue.try_get(), Err(TryGetError::Closed)));
    assert!(matches!(queue.get_timeout(DEADLINE), Err(GetTimeoutError::Closed)));
    assert!(matches!(queue.get_many(3), Err(GetError::Closed)));
    assert_eq!(queue.iter().count(), 0);
    assert!(format!("{queue:?}").contains("closed: true"), "{queue:?}");
}

#[test]
fn in_place_as_well() {
    let queue = Queue::<[u64; 4]>::bounded(2).unwrap();
    queue.reserve().unwrap().write([1; 4]).unwrap();
    queue.close();
    assert!(matches!(queue.reserve(), Err(PutError::Closed(()))));
    assert_eq!(queue.get_with(|item| item[3]).unwrap(), 1);
    assert!(matches!(queue.get_with(|_| ()), Err(GetError::Closed)));
    let bytes = Queue::<Vec<u8>>::new().unwrap();
    bytes.close();
    assert!(matches!(bytes.put_bytes(b"x"), Err(PutError::Closed(()))));
    assert!(matches!(bytes.reserve_bytes(1), Err(PutError::Closed(()))));
    assert!(matches!(bytes.get_bytes_with(|_| ()), Err(GetError::Closed)));
}

/// What was put is there for those who see that it is closed, however the two meet.
#[test]
fn nothing_that_was_put_is_missed_by_who_sees_it_closed() {
    for _ in 0..300 {
        let queue = Queue::new().unwrap();
        thread::scope(|scope| {
            let takers: Vec<_> =
                (0..2).map(|_| scope.spawn(|| queue.iter().count() as u64)).collect();
            let putters: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| (0..).take_while(|it| queue.put(*it).is_ok()).count() as u64)
                })
                .collect();
            thread::yield_now();
            queue.close();
            let put: u64 = putters.into_iter().map(|it| it.join().unwrap()).sum();
            let taken: u64 = takers.into_iter().map(|it| it.join().unwrap()).sum();
            assert_eq!(taken, put);
        });
    }
}

/// Of a queue with much in it, those who see it closed see it empty only when it is: also while one of them gives
/// memory back.
#[test]
fn closed_and_large_is_not_empty_before_its_time() {
    for _ in 0..30 {
        let queue = Queue::<Vec<u8>>::new().unwrap();
        for level in 0..5 {
            let sizes = [6 << 20, 100, 100];
            sizes.into_iter().for_each(|size| queue.put(vec![level; size]).unwrap());
        }
        queue.close();
        thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let count = queue.iter().count();
                        // The others may have some in their hands, but none is left in the queue.
                        assert_eq!(queue.len(), 0, "told too early");
                        count
                    })
                })
                .collect();
            assert_eq!(takers.into_iter().map(|it| it.join().unwrap()).sum::<usize>(), 15);
        });
    }
}
