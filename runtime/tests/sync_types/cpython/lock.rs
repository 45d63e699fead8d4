//! `_TestLock`: `Lock` and `RLock`.

use std::thread;

use offspring::sync::LockError;
use offspring::{Lock, RLock, process};

use crate::support::{kill, until};

/// Takes the lock, and sleeps with it as long as its parent lives.
#[process]
fn hold(lock: &Lock) {
    lock.acquire().unwrap();
    assert!(lock.is_locked());
    process::parent().unwrap().wait_timeout(std::time::Duration::MAX).unwrap();
}

#[process]
fn hold_again(lock: &RLock) {
    lock.acquire().unwrap();
    lock.acquire().unwrap();
    process::parent().unwrap().wait_timeout(std::time::Duration::MAX).unwrap();
}

/// What somebody else gets who tries: Python's `acquire(block=False)`.
#[process]
fn try_acquire(lock: &Lock) -> bool {
    lock.try_lock().unwrap().is_some()
}

under_each_method! {
    fn test_repr_lock() {
        let lock = Lock::new().unwrap();
        let own = std::process::id().to_string();
        assert!(!format!("{lock:?}").contains(&own));
        lock.acquire().unwrap();
        assert!(format!("{lock:?}").contains(&own), "{lock:?}");
        lock.release().unwrap();
        let child = hold::spawn(&lock).unwrap();
        until(|| lock.is_locked());
        assert!(format!("{lock:?}").contains(&child.pid().to_string()), "{lock:?}");
        kill(child);
        assert!(!lock.is_locked());
    }

    fn test_lock() {
        let lock = Lock::new().unwrap();
        lock.acquire().unwrap();
        assert!(lock.is_locked());
        // Python has False for this, even when its own thread holds the lock.
        assert!(matches!(lock.try_lock(), Err(LockError::Deadlock)));
        thread::scope(|scope| {
            let other = scope.spawn(|| lock.try_lock().unwrap().is_none());
            assert!(other.join().unwrap());
        });
        lock.release().unwrap();
        assert!(!lock.is_locked());
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
        assert!(try_acquire::spawn(&lock).unwrap().join().unwrap());
    }

    fn test_lock_locked_2processes() {
        let lock = Lock::new().unwrap();
        let child = hold::spawn(&lock).unwrap();
        until(|| lock.is_locked());
        assert!(child.is_alive());
        // Python leaves it locked for ever after this.
        kill(child);
        lock.acquire().unwrap();
    }

    fn test_lock_context() {
        let lock = Lock::new().unwrap();
        {
            let _held = lock.lock().unwrap();
            assert!(lock.is_locked());
        }
        assert!(!lock.is_locked());
    }

    fn test_repr_rlock() {
        let lock = RLock::new().unwrap();
        let own = std::process::id().to_string();
        assert!(!format!("{lock:?}").contains(&own));
        lock.acquire().unwrap();
        assert!(format!("{lock:?}").contains(&own), "{lock:?}");
        lock.release().unwrap();
        let child = hold_again::spawn(&lock).unwrap();
        until(|| lock.is_locked());
        assert!(format!("{lock:?}").contains(&child.pid().to_string()), "{lock:?}");
        kill(child);
        assert!(!lock.is_locked());
    }

    fn test_rlock() {
        let lock = RLock::new().unwrap();
        (0..3).for_each(|_| lock.acquire().unwrap());
        for _ in 0..3 {
            assert!(lock.is_locked());
            lock.release().unwrap();
        }
        assert!(!lock.is_locked());
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
    }

    fn test_rlock_locked_2processes() {
        let lock = RLock::new().unwrap();
        let child = hold_again::spawn(&lock).unwrap();
        until(|| lock.is_locked());
        assert!(lock.try_lock().unwrap().is_none());
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
        // Python leaves it locked for ever after this.
        kill(child);
        assert!(lock.lock().unwrap().recovered());
    }

    fn test_rlock_context() {
        let lock = RLock::new().unwrap();
        {
            let _outer = lock.lock().unwrap();
            let _inner = lock.lock().unwrap();
            assert!(lock.is_locked());
        }
        assert!(!lock.is_locked());
    }
}
