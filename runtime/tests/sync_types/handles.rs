//! The handles of the crate root: passed to processes in every way, and `Lock`, which says more than its mutex.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use offspring::sync::LockError;
use offspring::{
    Barrier, BoundedSemaphore, Condition, Error, Event, Lock, RLock, Semaphore, Shared, message,
    process,
};

use crate::support::{A_WHILE, kill, until};

#[message]
#[derive(Debug, Clone)]
struct Tools {
    lock: Lock,
    semaphores: Vec<Semaphore>,
    spare: Option<BoundedSemaphore>,
    rest: (Event, Condition, Barrier, RLock),
}

impl Tools {
    fn new() -> Self {
        let semaphores = (0..2).map(|permits| Semaphore::new(permits).unwrap()).collect();
        let spare = Some(BoundedSemaphore::new(3).unwrap());
        let rest = (
            Event::new().unwrap(),
            Condition::new().unwrap(),
            Barrier::new(1).unwrap(),
            RLock::new().unwrap(),
        );
        Self { lock: Lock::new().unwrap(), semaphores, spare, rest }
    }
}

/// Takes what is to be seen from outside, and says what it is.
#[process]
fn use_up(lent: &Tools, owned: Tools) -> Tools {
    assert!(lent.lock.ptr_eq(&owned.lock));
    assert!(!owned.semaphores[0].ptr_eq(&lent.semaphores[1]));
    owned.semaphores[0].release();
    lent.semaphores[1].acquire().forget();
    owned.spare.as_ref().unwrap().acquire().forget();
    owned.rest.0.set();
    assert_eq!(owned.rest.1.notify_all(), 0);
    owned.rest.2.abort();
    // This thread ends with it.
    owned.rest.3.acquire().unwrap();
    owned
}

#[process]
fn make(permits: usize) -> Semaphore {
    Semaphore::new(permits).unwrap()
}

#[process]
fn hold(lock: &Lock, held: &Semaphore) {
    lock.acquire().unwrap();
    held.release();
    thread::park();
}

/// Says whether a lock of others could be given back, or taken.
#[process]
fn meddle(lock: &Lock, taken: &Event) -> (bool, bool) {
    taken.wait();
    (matches!(lock.release(), Err(LockError::NotHeld)), lock.try_lock().unwrap().is_none())
}

under_each_method! {
    fn handles_travel_inside_of_values() {
        let tools = Tools::new();
        let back = use_up::spawn(&tools, tools.clone()).unwrap().join().unwrap();
        assert!(back.lock.ptr_eq(&tools.lock));
        let spare = back.spare.unwrap();
        assert_eq!((spare.available(), spare.bound()), (2, 3));
        let available = [0, 1].map(|at| tools.semaphores[at].available());
        assert_eq!(available, [1, 0]);
        let (event, condition, barrier, again) = &tools.rest;
        assert!(event.is_set() && barrier.is_broken() && condition.ptr_eq(&back.rest.1));
        let (outer, inner) = (again.lock().unwrap(), again.lock().unwrap());
        assert_eq!((outer.recovered(), inner.recovered()), (true, false));
    }

    fn a_child_may_make_what_its_parent_uses() {
        let semaphore = make::spawn(2).unwrap().join().unwrap();
        let _permit = semaphore.acquire();
        assert_eq!(semaphore.available(), 1);
    }

    fn a_lock_is_only_its_holders_to_give_back() {
        let (lock, taken) = (Lock::new().unwrap(), Event::new().unwrap());
        let meddler = meddle::spawn(&lock, &taken).unwrap();
        lock.acquire().unwrap();
        taken.set();
        assert_eq!(meddler.join().unwrap(), (true, true));
        lock.release().unwrap();
        assert!(matches!(lock.release(), Err(LockError::NotHeld)));
    }

    fn a_holder_may_start_children_that_do_not_hold_it() {
        let (lock, taken) = (Lock::new().unwrap(), Event::new().unwrap());
        taken.set();
        let guard = lock.lock().unwrap();
        let meddler = meddle::spawn(&lock, &taken).unwrap();
        assert_eq!(meddler.join().unwrap(), (true, true));
        assert_eq!(lock.holder(), Some(std::process::id()));
        drop(guard);
        assert!(!lock.is_locked());
    }

    fn a_lock_of_the_killed_is_taken_over_without_an_error() {
        let (lock, held) = (Lock::new().unwrap(), Semaphore::new(0).unwrap());
        let holder = hold::spawn(&lock, &held).unwrap();
        held.acquire().forget();
        assert_eq!(lock.holder(), Some(holder.pid()));
        assert!(format!("{lock:?}").contains(&holder.pid().to_string()), "{lock:?}");
        let waiting = lock.clone();
        let waiter = thread::spawn(move || waiting.lock().map(|guard| guard.recovered()));
        thread::sleep(A_WHILE);
        assert!(!waiter.is_finished());
        kill(holder);
        assert!(waiter.join().unwrap().unwrap());
        assert!(!lock.lock().unwrap().recovered());
    }
}

#[process]
fn answer(lock: &Lock, turn: &Shared<AtomicU32>, changed: &Condition) {
    let mut guard = lock.lock().unwrap();
    for number in [1, 3, 5] {
        while turn.load(Relaxed) != number {
            guard = changed.wait(guard).unwrap();
        }
        turn.store(number + 1, Relaxed);
        changed.notify_one();
    }
}

under_each_method! {
    fn a_condition_works_with_a_lock_as_in_python() {
        let (lock, changed) = (Lock::new().unwrap(), Condition::new().unwrap());
        let turn = Shared::new(AtomicU32::new(0)).unwrap();
        let child = answer::spawn(&lock, &turn, &changed).unwrap();
        let mut guard = lock.lock().unwrap();
        for number in [0, 2, 4] {
            turn.store(number + 1, Relaxed);
            changed.notify_one();
            guard = changed.wait_while(guard, |()| turn.load(Relaxed) == number + 1).unwrap();
        }
        assert_eq!(turn.load(Relaxed), 6);
        drop(guard);
        child.join().unwrap();
    }
}

#[test]
fn a_lock_taken_twice_is_an_error_at_once() {
    let lock = Lock::new().unwrap();
    let guard = lock.lock().unwrap();
    assert!(matches!(lock.lock(), Err(LockError::Deadlock)));
    assert!(matches!(lock.acquire(), Err(LockError::Deadlock)));
    assert!(matches!(lock.try_lock(), Err(LockError::Deadlock)));
    drop(guard);
    lock.acquire().unwrap();
    assert!(lock.is_locked());
    lock.release().unwrap();
    assert!(!lock.is_locked());
}

#[test]
fn threads_exclude_each_other_with_one_lock() {
    let (lock, count) = (Lock::new().unwrap(), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    let _turn = lock.lock().unwrap();
                    count.store(count.load(Relaxed) + 1, Relaxed);
                }
            });
        }
    });
    assert_eq!(count.load(Relaxed), 4000);
}

#[test]
fn a_thread_that_ends_gives_its_lock_back() {
    let lock = Lock::new().unwrap();
    let in_thread = lock.clone();
    thread::spawn(move || in_thread.acquire().unwrap()).join().unwrap();
    until(|| lock.try_lock().unwrap().is_some());
}

#[test]
fn timed_attempts_end() {
    let lock = Lock::new().unwrap();
    let (sender, taken) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let in_thread = lock.clone();
    let holder = thread::spawn(move || {
        let _guard = in_thread.lock().unwrap();
        sender.send(()).unwrap();
        let _ = released.recv();
    });
    taken.recv().unwrap();
    let start = std::time::Instant::now();
    assert!(lock.try_lock_for(A_WHILE).unwrap().is_none());
    assert!(start.elapsed() >= A_WHILE);
    assert!(lock.try_lock_until(start).unwrap().is_none());
    drop(release);
    assert!(lock.try_lock_for(crate::support::DEADLINE).unwrap().is_some());
    holder.join().unwrap();
}

#[test]
fn errors_of_handles_go_wherever_errors_go() {
    fn ours(lock: &Lock) -> offspring::Result<()> {
        lock.release()?;
        Ok(())
    }
    fn boxed(rooms: &BoundedSemaphore) -> Result<(), Box<dyn StdError + Send + Sync>> {
        rooms.release()?;
        Ok(())
    }
    let error = ours(&Lock::new().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Lock(LockError::NotHeld)));
    assert_eq!(error.to_string(), "this thread does not hold the lock that it would give back");
    let error = boxed(&BoundedSemaphore::new(1).unwrap()).unwrap_err();
    assert!(error.to_string().contains("too many times"), "{error}");
}
