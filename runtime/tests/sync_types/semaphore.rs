//! Semaphores: Python's meaning, exact counts whatever happens, and permits that come back from the dead.

use std::mem;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use offspring::sync::{self, TooManyReleases};
use offspring::{BoundedSemaphore, Error, Process, Semaphore, Shared, process};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

/// Takes so many permits, says so, and keeps them for ever.
#[process]
fn hold(semaphore: &Semaphore, count: usize, ready: &Semaphore) {
    let _permits: Vec<_> = (0..count).map(|_| semaphore.acquire()).collect();
    ready.release();
    loop {
        thread::park();
    }
}

/// Ends with permits in its hands, in one of the ways in which a process can.
#[process]
fn end_with(semaphore: &Semaphore, count: usize, how: &str) {
    let permits: Vec<_> = (0..count).map(|_| semaphore.acquire()).collect();
    match how {
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "panic" => panic!("with permits"),
        _ => mem::forget(permits),
    }
}

/// Waits for a permit, and keeps it for good.
#[process]
fn take_one(semaphore: &Semaphore) {
    semaphore.acquire().forget();
}

#[process]
fn answer(question: &Semaphore, answered: &Semaphore, rounds: usize) {
    for _ in 0..rounds {
        question.acquire().forget();
        answered.release();
    }
}

/// How many are inside now, and were at most.
type Crowd = [AtomicUsize; 2];

#[process]
fn visit(semaphore: &Semaphore, crowd: &Shared<Crowd>, times: usize) {
    for time in 0..times {
        let permit = match time % 3 {
            0 => semaphore.try_acquire_for(DEADLINE).unwrap(),
            _ => semaphore.acquire(),
        };
        crowd[1].fetch_max(crowd[0].fetch_add(1, SeqCst) + 1, SeqCst);
        if time % 7 == 0 {
            thread::yield_now();
        }
        crowd[0].fetch_sub(1, SeqCst);
        drop(permit);
    }
}

/// Comes and goes until it is killed.
#[process]
fn come_and_go(semaphore: &Semaphore, most: usize) {
    loop {
        let permits: Vec<_> = (0..most).map_while(|_| semaphore.try_acquire()).collect();
        drop(permits);
        drop(semaphore.acquire());
    }
}

/// Holders that have what they were to take.
fn holders(semaphore: &Semaphore, counts: &[usize]) -> Vec<Process<()>> {
    let ready = Semaphore::new(0).unwrap();
    let started = counts.iter().map(|count| hold::spawn(semaphore, *count, &ready).unwrap());
    let started = started.collect();
    counts.iter().for_each(|_| ready.acquire().forget());
    started
}

under_each_method! {
    fn processes_share_the_permits() {
        let semaphore = Semaphore::new(5).unwrap();
        let holders = holders(&semaphore, &[2, 1]);
        assert_eq!(semaphore.available(), 2);
        let shown = format!("{:?}", *semaphore);
        for holder in &holders {
            assert!(shown.contains(&holder.pid().to_string()), "{shown}");
        }
        let mine = [semaphore.acquire(), semaphore.acquire()];
        assert!(semaphore.try_acquire().is_none());
        drop(mine);
        holders.into_iter().for_each(kill);
        assert_eq!(semaphore.available(), 5);
    }

    fn a_sleeper_gets_the_permit_of_the_killed() {
        let semaphore = Semaphore::new(2).unwrap();
        let mut holders = holders(&semaphore, &[1, 1]);
        let waiters = [(); 2].map(|()| take_one::spawn(&semaphore).unwrap());
        waiters.iter().for_each(|waiter| until_asleep(waiter.pid()));
        kill(holders.pop().unwrap());
        until(|| waiters.iter().any(|waiter| !waiter.is_alive()));
        assert_eq!(semaphore.available(), 0);
        kill(holders.pop().unwrap());
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(semaphore.available(), 0);
    }

    fn permits_come_back_however_a_process_ends() {
        let semaphore = Semaphore::new(70).unwrap();
        for how in ["exit", "abort", "panic", "forget"] {
            let ended = end_with::spawn(&semaphore, 68, how).unwrap().join();
            assert_eq!(ended.is_ok(), how == "forget", "{how}");
            assert_eq!(semaphore.available(), 70, "after {how}");
        }
    }

    fn more_permits_than_slots_come_back() {
        let semaphore = Semaphore::new(200).unwrap();
        let mut holders = holders(&semaphore, &[100, 60, 40]);
        assert!(semaphore.try_acquire().is_none());
        let waiters = [(); 3].map(|()| take_one::spawn(&semaphore).unwrap());
        waiters.iter().for_each(|waiter| until_asleep(waiter.pid()));
        kill(holders.remove(0));
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(semaphore.available(), 97);
        holders.into_iter().for_each(kill);
        assert_eq!(semaphore.available(), 197);
        let all: Vec<_> = (0..197).map(|_| semaphore.try_acquire().unwrap()).collect();
        assert!(semaphore.try_acquire().is_none());
        drop(all);
        assert_eq!(semaphore.available(), 197);
    }

    fn a_permit_comes_back_from_one_who_came_late() {
        // All that have a place of their own are taken, by two; then one of the others is free.
        let semaphore = Semaphore::new(80).unwrap();
        let mut mine: Vec<_> = (0..77).map(|_| semaphore.acquire()).collect();
        let mut holders = holders(&semaphore, &[3]);
        drop(mine.pop());
        holders.extend(self::holders(&semaphore, &[1]));
        assert_eq!(semaphore.available(), 0);
        let waiter = take_one::spawn(&semaphore).unwrap();
        until_asleep(waiter.pid());
        kill(holders.pop().unwrap());
        waiter.join().unwrap();
        assert_eq!(semaphore.available(), 0);
        holders.into_iter().for_each(kill);
        drop(mine);
        assert_eq!(semaphore.available(), 79);
    }

    fn a_killed_waiter_takes_nothing_with_it() {
        let semaphore = Semaphore::new(0).unwrap();
        let doomed = [(); 2].map(|()| take_one::spawn(&semaphore).unwrap());
        doomed.iter().for_each(|waiter| until_asleep(waiter.pid()));
        let waiter = take_one::spawn(&semaphore).unwrap();
        until_asleep(waiter.pid());
        doomed.into_iter().for_each(kill);
        semaphore.release();
        waiter.join().unwrap();
        assert_eq!(semaphore.available(), 0);
    }

    fn never_more_inside_than_permits() {
        for permits in [1, 3] {
            let semaphore = Semaphore::new(permits).unwrap();
            let crowd = Shared::new([const { AtomicUsize::new(0) }; 2]).unwrap();
            let visitors = [(); 4].map(|()| visit::spawn(&semaphore, &crowd, 5_000).unwrap());
            visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
            assert!(crowd[1].load(SeqCst) <= permits);
            assert_eq!(semaphore.available(), permits);
        }
    }

    fn two_semaphores_pass_word_to_and_fro() {
        let [question, answered] = [(); 2].map(|()| Semaphore::new(0).unwrap());
        let other = answer::spawn(&question, &answered, 2_000).unwrap();
        for _ in 0..2_000 {
            question.release();
            answered.acquire().forget();
        }
        other.join().unwrap();
        assert_eq!([question.available(), answered.available()], [0, 0]);
    }

    fn no_signal_is_lost_or_doubled() {
        let (items, seen) = (Semaphore::new(0).unwrap(), Semaphore::new(0).unwrap());
        let takers = [(); 2].map(|()| answer::spawn(&items, &seen, 5_000).unwrap());
        for _ in 0..10_000 {
            items.release();
        }
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!((items.available(), seen.available()), (0, 10_000));
    }

    fn all_permits_survive_many_kills() {
        for permits in [2, 80] {
            let semaphore = Semaphore::new(permits).unwrap();
            let begin = || come_and_go::spawn(&semaphore, 75).unwrap();
            let mut crowd = [(); 3].map(|()| begin());
            let start = Instant::now();
            for turn in 0.. {
                thread::sleep(Duration::from_micros(300 * (turn % 7)));
                let victim = usize::try_from(turn % 3).unwrap();
                kill(mem::replace(&mut crowd[victim], begin()));
                // Whoever is left goes on: a permit comes to those who wait.
                drop(semaphore.try_acquire_for(DEADLINE).unwrap());
                if start.elapsed() > Duration::from_millis(500) {
                    break;
                }
            }
            crowd.into_iter().for_each(kill);
            assert_eq!(semaphore.available(), permits);
        }
    }
}

/// CPython's `_TestSemaphore.test_semaphore` and `test_bounded_semaphore`, with and without keeping the permits.
#[test]
fn counts_as_in_python() -> Result<(), Error> {
    let semaphore = sync::Semaphore::new(2);
    let _kept = [semaphore.acquire(), semaphore.acquire()];
    assert_eq!(semaphore.available(), 0);
    assert!(semaphore.try_acquire().is_none());
    for count in 1..=4 {
        semaphore.release();
        assert_eq!(semaphore.available(), count);
    }
    let bounded = BoundedSemaphore::new(2)?;
    bounded.acquire().forget();
    bounded.acquire().forget();
    assert!(bounded.try_acquire().is_none());
    bounded.release()?;
    bounded.release()?;
    assert_eq!(bounded.release(), Err(TooManyReleases));
    assert!(matches!(bounded.release().map_err(Error::from), Err(Error::TooManyReleases(_))));
    assert_eq!((bounded.available(), bounded.bound()), (2, 2));
    Ok(())
}

#[test]
fn a_released_permit_is_not_given_back_once_more() {
    let semaphore = sync::Semaphore::new(1);
    let permit = semaphore.acquire();
    semaphore.release();
    assert_eq!(semaphore.available(), 1);
    drop(permit);
    assert_eq!(semaphore.available(), 1);
    let permit = semaphore.acquire();
    semaphore.release();
    permit.forget();
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn a_bounded_one_takes_back_only_what_is_missing() {
    for permits in [1, 3, 64, 65, 100] {
        let bounded = sync::BoundedSemaphore::new(permits);
        assert_eq!(bounded.release(), Err(TooManyReleases));
        thread::scope(|scope| {
            let _permit = bounded.acquire();
            // Another thread has none to give back.
            let other = scope.spawn(|| bounded.release());
            assert_eq!(other.join().unwrap(), Err(TooManyReleases));
        });
        let all: Vec<_> = (0..permits).map(|_| bounded.try_acquire().unwrap()).collect();
        assert!(bounded.try_acquire().is_none());
        all.into_iter().for_each(sync::Permit::forget);
        for count in 1..=permits {
            bounded.release().unwrap();
            assert_eq!(bounded.available(), count);
        }
        assert_eq!(bounded.release(), Err(TooManyReleases));
    }
}

#[test]
fn many_permits_are_counted_exactly() {
    let semaphore = sync::Semaphore::new(0);
    for count in 1..=1_000 {
        semaphore.release();
        assert_eq!(semaphore.available(), count);
    }
    let mut kept: Vec<_> = (0..1_000).map(|_| semaphore.try_acquire().unwrap()).collect();
    assert!(semaphore.try_acquire().is_none());
    kept.drain(..500).for_each(drop);
    assert_eq!(semaphore.available(), 500);
    kept.into_iter().for_each(sync::Permit::forget);
    assert_eq!(semaphore.available(), 500);
    assert_eq!(sync::Semaphore::new(usize::MAX).available(), (1 << 31) - 1);
}

#[test]
fn a_signal_beyond_all_counting_is_refused_without_harm() {
    let semaphore = sync::Semaphore::new(usize::MAX);
    let all = semaphore.available();
    (0..100).for_each(|_| semaphore.release());
    drop(semaphore.acquire());
    assert!((all..all + 100).contains(&semaphore.available()));
}

#[test]
fn threads_without_a_slot_have_permits_too() {
    let semaphore = sync::Semaphore::new(70);
    let start = std::sync::Barrier::new(71);
    thread::scope(|scope| {
        for _ in 0..70 {
            scope.spawn(|| {
                let _permit = semaphore.acquire();
                start.wait();
                start.wait();
            });
        }
        start.wait();
        assert!(semaphore.try_acquire().is_none());
        start.wait();
    });
    assert_eq!(semaphore.available(), 70);
}

#[test]
fn a_thread_that_ends_gives_its_permits_back() {
    for permits in [1, 80] {
        let semaphore = Semaphore::new(permits).unwrap();
        let all = semaphore.clone();
        let taker = thread::spawn(move || {
            (0..permits).for_each(|_| mem::forget(all.acquire()));
            assert!(all.try_acquire().is_none());
        });
        // Asleep or not yet: it gets one as soon as the thread ends.
        drop(semaphore.try_acquire_for(DEADLINE).unwrap());
        taker.join().unwrap();
        until(|| semaphore.available() == permits);
    }
}

#[test]
fn timed_attempts_end_not_earlier() {
    let semaphore = sync::Semaphore::new(1);
    let start = Instant::now();
    assert!(semaphore.try_acquire_for(A_WHILE).is_some());
    let _permit = semaphore.acquire();
    thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            assert!(semaphore.try_acquire().is_none());
            assert!(semaphore.try_acquire_for(Duration::ZERO).is_none());
            assert!(semaphore.try_acquire_until(start).is_none());
            assert!(semaphore.try_acquire_for(A_WHILE).is_none());
            assert!(begun.elapsed() >= A_WHILE);
            let end = Instant::now() + A_WHILE;
            assert!(semaphore.try_acquire_until(end).is_none());
            assert!(Instant::now() >= end);
        });
        // One who waits behind the first in the queue is as patient.
        scope.spawn(|| {
            let begun = Instant::now();
            assert!(semaphore.try_acquire_for(A_WHILE).is_none());
            assert!(begun.elapsed() >= A_WHILE);
        });
    });
}

#[test]
fn waiters_get_what_comes_in_one_go() {
    let semaphore = sync::Semaphore::new(0);
    thread::scope(|scope| {
        let waiters =
            [(); 5].map(|()| scope.spawn(|| semaphore.try_acquire_for(DEADLINE).unwrap().forget()));
        thread::sleep(A_WHILE);
        (0..5).for_each(|_| semaphore.release());
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
    assert_eq!(semaphore.available(), 0);
}
