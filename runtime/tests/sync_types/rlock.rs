//! `RLock`: taken again by the thread that has it, waited for by the others, and free when that thread or process ends.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use offspring::sync::{LockError, RLock};
use offspring::{Shared, process};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

#[process]
fn hold_twice(lock: &Shared<RLock>) {
    let _outer = lock.lock().unwrap();
    let _inner = lock.lock().unwrap();
    loop {
        thread::park();
    }
}

/// Whether the lock had to be taken over.
#[process]
fn take(lock: &Shared<RLock>) -> bool {
    let guard = lock.try_lock_for(DEADLINE).unwrap().expect("it comes");
    let again = lock.lock().unwrap();
    assert!(!again.recovered());
    guard.recovered()
}

#[process]
fn try_release(lock: &Shared<RLock>) -> bool {
    matches!(lock.release(), Err(LockError::NotHeld)) && lock.try_lock().unwrap().is_none()
}

under_each_method! {
    fn a_killed_holder_is_taken_over_from() {
        let lock = Shared::new(RLock::new()).unwrap();
        let victim = hold_twice::spawn(&lock).unwrap();
        until(|| lock.is_locked());
        until_asleep(victim.pid());
        assert_eq!(lock.holder(), Some(victim.pid()));
        assert!(lock.try_lock().unwrap().is_none());
        let heirs: Vec<_> = (0..2).map(|_| take::spawn(&lock).unwrap()).collect();
        heirs.iter().for_each(|heir| until_asleep(heir.pid()));
        kill(victim);
        let recovered = heirs.into_iter().map(|heir| heir.join().unwrap());
        assert_eq!(recovered.filter(|it| *it).count(), 1);
        assert!(!lock.lock().unwrap().recovered());
    }

    fn another_process_can_neither_take_nor_release_it() {
        let lock = Shared::new(RLock::new()).unwrap();
        lock.acquire().unwrap();
        // No data, so that a process may be made with it in hand.
        assert!(try_release::spawn(&lock).unwrap().join().unwrap());
        lock.release().unwrap();
        assert!(!take::spawn(&lock).unwrap().join().unwrap());
    }
}

/// What another thread finds.
fn is_free(lock: &RLock) -> bool {
    thread::scope(|scope| scope.spawn(|| lock.try_lock().unwrap().is_some()).join().unwrap())
}

#[test]
fn as_many_guards_as_were_taken_have_to_go() {
    for lock in [&*Shared::new(RLock::new()).unwrap(), &RLock::new()] {
        let mut guards: Vec<_> = (0..10).map(|_| lock.lock().unwrap()).collect();
        guards.push(lock.try_lock().unwrap().unwrap());
        guards.push(lock.try_lock_for(Duration::ZERO).unwrap().unwrap());
        guards.push(lock.try_lock_until(Instant::now()).unwrap().unwrap());
        while !guards.is_empty() {
            assert!(lock.is_locked() && !is_free(lock));
            // Out of the middle: no guard is more than another.
            drop(guards.swap_remove(guards.len() / 2));
        }
        assert!(!lock.is_locked() && is_free(lock));
    }
}

#[test]
fn acquire_and_release_balance() {
    for lock in [&*Shared::new(RLock::new()).unwrap(), &RLock::new()] {
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
        lock.acquire().unwrap();
        let guard = lock.lock().unwrap();
        lock.acquire().unwrap();
        lock.release().unwrap();
        drop(guard);
        assert!(!is_free(lock));
        lock.release().unwrap();
        assert!(is_free(lock));
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
    }
}

#[test]
fn threads_exclude_each_other() {
    let lock = Arc::new(Shared::new(RLock::new()).unwrap());
    let total = std::sync::atomic::AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    let _outer = lock.lock().unwrap();
                    let _inner = lock.lock().unwrap();
                    // Not one step, so that two at a time would lose some.
                    let before = total.load(std::sync::atomic::Ordering::Relaxed);
                    total.store(before + 1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(total.into_inner(), 40_000);
}

#[test]
fn another_thread_waits_no_longer_than_told() {
    let lock = Shared::new(RLock::new()).unwrap();
    let _guard = lock.lock().unwrap();
    let wait = || {
        let start = Instant::now();
        assert!(lock.try_lock_for(A_WHILE).unwrap().is_none());
        assert!(lock.try_lock_until(start + 2 * A_WHILE).unwrap().is_none());
        start.elapsed()
    };
    let waited = thread::scope(|scope| scope.spawn(wait).join().unwrap());
    assert!(waited >= 2 * A_WHILE);
}

#[test]
fn a_thread_that_ends_with_it_is_a_holder_that_died() {
    let lock = Shared::new(RLock::new()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| (0..3).for_each(|_| lock.acquire().unwrap()));
    });
    until(|| lock.try_lock().unwrap().is_some_and(|guard| guard.recovered()));
    let guard = lock.lock().unwrap();
    assert!(!guard.recovered());
    // The count of the dead is not that of the next.
    drop(guard);
    assert!(is_free(&lock));
}

#[test]
fn what_is_printed_says_who_has_it() {
    let lock = Shared::new(RLock::new()).unwrap();
    assert_eq!(format!("{lock:?}"), "RLock { locked: false, .. }");
    let guard = lock.lock().unwrap();
    let (pid, thread) = (std::process::id(), lock.holder_thread().unwrap());
    let shown = format!("RLock {{ locked: true, holder: Some({pid}), thread: {thread}, .. }}");
    assert_eq!((format!("{lock:?}"), format!("{guard:?}")), (shown.clone(), shown));
}
