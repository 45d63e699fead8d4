//! `_TestSemaphore`: `Semaphore` and `BoundedSemaphore`.

use std::time::{Duration, Instant};

use offspring::{BoundedSemaphore, Semaphore, process};

/// Takes a permit and never gives it back, Python's way: it is consumed.
#[process]
fn consume(permits: &Semaphore) {
    permits.acquire().forget();
}

/// The first half of both tests: from 2 permits to none and back.
fn two_and_back(permits: &offspring::sync::Semaphore) {
    assert_eq!(permits.available(), 2);
    let one = permits.acquire();
    assert_eq!(permits.available(), 1);
    let two = permits.acquire();
    assert_eq!(permits.available(), 0);
    assert!(permits.try_acquire().is_none());
    assert_eq!(permits.available(), 0);
    drop(one);
    assert_eq!(permits.available(), 1);
    drop(two);
    assert_eq!(permits.available(), 2);
}

under_each_method! {
    fn test_semaphore() {
        let permits = Semaphore::new(2).unwrap();
        two_and_back(&permits);
        permits.release();
        assert_eq!(permits.available(), 3);
        permits.release();
        assert_eq!(permits.available(), 4);
        for left in (0..4).rev() {
            consume::spawn(&permits).unwrap().join().unwrap();
            assert_eq!(permits.available(), left);
        }
    }

    fn test_bounded_semaphore() {
        let permits = BoundedSemaphore::new(2).unwrap();
        let one = permits.acquire();
        let two = permits.acquire();
        assert_eq!(permits.available(), 0);
        assert!(permits.try_acquire().is_none());
        drop((one, two));
        assert_eq!(permits.available(), 2);
        permits.release().unwrap_err();
        assert_eq!(permits.available(), 2);
    }

    fn test_timeout() {
        let permits = Semaphore::new(0).unwrap();
        assert!(permits.try_acquire().is_none());
        assert!(permits.try_acquire_for(Duration::ZERO).is_none());
        let start = Instant::now();
        assert!(permits.try_acquire_until(start).is_none());
        for time in [50, 100].map(Duration::from_millis) {
            let start = Instant::now();
            assert!(permits.try_acquire_for(time).is_none());
            assert!(start.elapsed() >= time);
        }
    }
}
