//! `Once`: done one time by whoever comes first, and by another if that one does not live to the end of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use offspring::sync::{LockError, Once};
use offspring::{Shared, process, shared};

use crate::support::{kill, until, until_asleep};

/// Something that is to be done once, and how often it was begun, and done.
#[shared]
#[derive(Default)]
struct Work {
    once: Once,
    begun: AtomicU32,
    done: AtomicU32,
}

#[process]
fn work(work: &Shared<Work>) -> u32 {
    let done = work.once.call_once(|| {
        work.begun.fetch_add(1, SeqCst);
        work.done.fetch_add(1, SeqCst);
    });
    done.unwrap();
    work.done.load(SeqCst)
}

#[process]
fn begin_and_stay(work: &Shared<Work>) {
    let done = work.once.call_once(|| {
        work.begun.fetch_add(1, SeqCst);
        loop {
            thread::park();
        }
    });
    unreachable!("{done:?}");
}

under_each_method! {
    /// Whoever waited sees it done.
    fn many_come_and_one_does_it() {
        let it = Shared::new(Work::default()).unwrap();
        let all: Vec<_> = (0..4).map(|_| work::spawn(&it).unwrap()).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 1));
        assert!(it.once.is_completed());
        assert_eq!((it.begun.load(SeqCst), work(&it)), (1, 1));
    }

    /// One of those who waited does it then.
    fn one_that_is_killed_has_not_done_it() {
        let it = Shared::new(Work::default()).unwrap();
        let victim = begin_and_stay::spawn(&it).unwrap();
        until(|| it.begun.load(SeqCst) == 1);
        let others: Vec<_> = (0..2).map(|_| work::spawn(&it).unwrap()).collect();
        others.iter().for_each(|one| until_asleep(one.pid()));
        assert!(!it.once.is_completed());
        kill(victim);
        assert!(others.into_iter().all(|one| one.join().unwrap() == 1));
        assert_eq!(it.begun.load(SeqCst), 2);
    }
}

#[test]
fn one_that_panics_has_not_done_it() {
    let once = Once::new();
    for _ in 0..2 {
        let ended = catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("too early"))));
        assert!(ended.is_err() && !once.is_completed());
    }
    once.call_once(|| ()).unwrap();
    assert!(once.is_completed());
    once.call_once(|| unreachable!("it is done")).unwrap();
}

#[test]
fn it_cannot_wait_for_itself() {
    let once = Shared::new(Once::new()).unwrap();
    once.call_once(|| {
        assert!(matches!(once.call_once(|| ()), Err(LockError::Deadlock)));
    })
    .unwrap();
    assert!(once.call_once(|| ()).is_ok());
}

#[test]
fn what_does_it_may_start_processes() {
    #[shared]
    static SETUP: Once = Once::new();
    #[process(start = "fork")]
    fn forked() -> bool {
        SETUP.is_completed()
    }
    // A program of one thread, as `Fork` wants it.
    #[process]
    fn program() {
        SETUP.call_once(|| assert!(!forked::spawn().unwrap().join().unwrap())).unwrap();
        assert!(forked::spawn().unwrap().join().unwrap());
    }
    program::spawn().unwrap().join().unwrap();
}

#[test]
fn it_says_who_is_doing_it() {
    let once = Once::new();
    assert_eq!(format!("{once:?}"), "Once { completed: false, .. }");
    once.call_once(|| {
        let (pid, tid) = (std::process::id(), nix::unistd::gettid());
        let expected =
            format!("Once {{ completed: false, holder: Some({pid}), thread: {tid}, .. }}");
        assert_eq!(format!("{once:?}"), expected);
    })
    .unwrap();
    assert_eq!(format!("{once:?}"), "Once { completed: true, .. }");
}
