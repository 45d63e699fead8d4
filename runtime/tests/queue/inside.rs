//! A thread that uses a queue while it reads or writes an item of the same one in place: an error, and no wait for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use offspring::sync::LockError;
use offspring::{Error, GetError, PutError, Queue, TryGetError};

use crate::support::until;

/// Runs it in a thread of its own, and waits for its end, which comes.
#[track_caller]
fn ends(body: impl FnOnce() + Send + 'static) {
    let done = Arc::new(AtomicBool::new(false));
    let says = Arc::clone(&done);
    let thread = thread::spawn(move || {
        body();
        says.store(true, SeqCst);
    });
    until(|| done.load(SeqCst) || thread.is_finished());
    thread.join().unwrap();
}

fn is_inside(error: &Error) -> bool {
    matches!(error, Error::Lock(LockError::Deadlock))
}

#[test]
fn get_inside_of_get_with() {
    ends(|| {
        let numbers = Queue::<u64>::new().unwrap();
        numbers.put_many([1, 2]).unwrap();
        let inner = numbers.get_with(|_| (numbers.get(), numbers.get_many(2), numbers.try_get()));
        let (one, many, tried) = inner.unwrap();
        assert!(matches!(one, Err(GetError::Failed(error)) if is_inside(&error)));
        assert!(matches!(many, Err(GetError::Failed(error)) if is_inside(&error)));
        assert!(matches!(tried, Err(TryGetError::Failed(error)) if is_inside(&error)));
        let nested = numbers.get_with(|_| numbers.get_with(|_| ()));
        assert!(nested.unwrap().is_err());
        assert!(numbers.is_empty());
    });
}

#[test]
fn put_inside_of_reserve() {
    ends(|| {
        let numbers = Queue::<u64>::bounded(4).unwrap();
        let room = numbers.reserve().unwrap();
        assert!(matches!(numbers.put(7), Err(PutError::Failed(7, error)) if is_inside(&error)));
        assert!(numbers.put_many([7, 8]).is_err() && numbers.try_put(7).is_err());
        assert!(numbers.reserve().is_err());
        room.write(1).unwrap();
        assert_eq!(numbers.get().unwrap(), 1);
        assert!(numbers.is_empty());
    });
}

/// Nobody can put what it would wait for.
#[test]
fn get_inside_of_reserve() {
    ends(|| {
        let numbers = Queue::<u64>::new().unwrap();
        let room = numbers.reserve().unwrap();
        assert!(numbers.get().is_err() && numbers.get_many(3).is_err());
        assert!(numbers.get_timeout(crate::support::DEADLINE * 100).is_err());
        assert!(numbers.try_get().is_err());
        room.write(1).unwrap();
        assert_eq!(numbers.get().unwrap(), 1);
    });
}

/// Nobody can take what it would wait for.
#[test]
fn put_inside_of_get_with() {
    ends(|| {
        let numbers = Queue::<u64>::bounded(1).unwrap();
        numbers.put(1).unwrap();
        let refused = numbers.get_with(|_| (numbers.put(2), numbers.put_many([3, 4])));
        let (one, many) = refused.unwrap();
        assert!(one.is_err() && many.is_err());
        while numbers.try_get().is_ok() {}
        numbers.put(5).unwrap();
        assert_eq!(numbers.get().unwrap(), 5);
    });
}

/// It is closed then, too.
#[test]
fn close_inside_of_either() {
    ends(|| {
        let numbers = Queue::<u64>::new().unwrap();
        numbers.put(1).unwrap();
        let room = numbers.reserve().unwrap();
        numbers.close();
        assert!(numbers.is_closed());
        // What comes too late is refused, since others may have been told already that nothing comes.
        let late = room.write(2);
        assert!(matches!(late, Err(PutError::Closed(()))), "{late:?}");
        numbers.get_with(|_| numbers.close()).unwrap();
        assert!(matches!(numbers.get(), Err(GetError::Closed)));
    });
}

/// Whoever waits is told when somebody closes it like that.
#[test]
fn close_inside_wakes_those_who_wait() {
    ends(|| {
        let numbers = Queue::<u64>::new().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| numbers.get());
            let room = numbers.reserve().unwrap();
            thread::sleep(crate::support::A_WHILE);
            numbers.close();
            assert!(matches!(waiting.join().unwrap(), Err(GetError::Closed)));
            drop(room);
        });
    });
}
