//! Barriers: Python's meaning under five processes, parties that die in each role, parties that leave quietly.

use std::fs;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use offspring::sync::{self, Broken};
use offspring::{Barrier, Error, Event, Process, Shared, process};

use crate::support::{A_WHILE, DEADLINE, kill, until, until_asleep};

/// As in CPython's tests.
const N: usize = 5;

/// What the parties count while they go through their rounds together.
type Counts = [AtomicUsize; 4];

fn counts() -> Shared<Counts> {
    Shared::new([const { AtomicUsize::new(0) }; 4]).unwrap()
}

/// `N` parties do the same, the last of them here; their results in no order.
fn together<T: 'static>(spawn: impl Fn() -> Process<T>, here: impl FnOnce() -> T) -> Vec<T> {
    let others: Vec<_> = (1..N).map(|_| spawn()).collect();
    let mut results = vec![here()];
    results.extend(others.into_iter().map(|it| it.join().unwrap()));
    results
}

/// Two phases a round, each counted; nobody may begin the second before all have ended the first.
fn in_lock_step(barrier: &Barrier, counts: &Counts, rounds: usize) -> Result<(), Broken> {
    for round in 0..rounds {
        counts[0].fetch_add(1, SeqCst);
        barrier.wait()?;
        assert_eq!(counts[0].load(SeqCst), (round + 1) * N);
        counts[1].fetch_add(1, SeqCst);
        barrier.wait()?;
        assert_eq!(counts[1].load(SeqCst), (round + 1) * N);
    }
    Ok(())
}

#[process]
fn lock_step(barrier: &Barrier, counts: &Shared<Counts>, rounds: usize) {
    in_lock_step(barrier, counts, rounds).unwrap();
}

#[process]
fn index(barrier: &Barrier) -> (usize, bool) {
    let passed = barrier.wait().unwrap();
    assert_eq!((passed.index(), passed.is_leader()), (passed.index, passed.is_leader));
    (passed.index, passed.is_leader)
}

/// The party with index 2 aborts instead of waiting a second time.
fn one_aborts(barrier: &Barrier) -> (bool, bool) {
    let first = barrier.wait().unwrap();
    if first.index == N / 2 {
        barrier.abort();
        return (false, true);
    }
    (barrier.wait().is_ok(), false)
}

#[process]
fn aborting(barrier: &Barrier) -> (bool, bool) {
    one_aborts(barrier)
}

/// One resets when all others wait; they are told, and then all pass.
fn one_resets(barrier: &Barrier) -> (bool, bool) {
    let chosen = barrier.wait().unwrap().index == N / 2;
    let told = if chosen {
        until(|| barrier.n_waiting() == N - 1);
        barrier.reset();
        false
    } else {
        barrier.wait().is_err()
    };
    (told, barrier.wait_timeout(DEADLINE).is_ok())
}

#[process]
fn resetting(barrier: &Barrier) -> (bool, bool) {
    one_resets(barrier)
}

/// Broken, then made whole while all meet at a second barrier.
fn abort_and_reset(barrier: &Barrier, second: &Barrier) -> (bool, bool) {
    let first = barrier.wait().unwrap();
    let told = if first.index == N / 2 {
        barrier.abort();
        false
    } else {
        barrier.wait().is_err()
    };
    if second.wait().unwrap().index == N / 2 {
        barrier.reset();
    }
    second.wait().unwrap();
    (told, barrier.wait().is_ok())
}

#[process]
fn aborting_and_resetting(barrier: &Barrier, second: &Barrier) -> (bool, bool) {
    abort_and_reset(barrier, second)
}

/// One party comes only when the others have given up.
fn late(barrier: &Barrier) -> bool {
    if barrier.wait().unwrap().index == N / 2 {
        until(|| barrier.is_broken());
    }
    barrier.wait_timeout(2 * A_WHILE).is_err()
}

#[process]
fn coming_late(barrier: &Barrier) -> bool {
    late(barrier)
}

under_each_method! {
    /// CPython's `test_barrier` and `test_barrier_10`.
    fn all_go_in_lock_step() {
        for rounds in [1, 10] {
            let (barrier, counts) = (Barrier::new(N).unwrap(), counts());
            together(
                || lock_step::spawn(&barrier, &counts, rounds).unwrap(),
                || in_lock_step(&barrier, &counts, rounds).unwrap(),
            );
            assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
            assert_eq!(barrier.parties(), N);
        }
    }

    /// CPython's `test_wait_return`, and more: each index once, one leader.
    fn each_index_is_given_once() {
        let barrier = Barrier::new(N).unwrap();
        let here = || barrier.wait().map(|it| (it.index, it.is_leader)).unwrap();
        let results = together(|| index::spawn(&barrier).unwrap(), here);
        let mut indices: Vec<_> = results.iter().map(|it| it.0).collect();
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2, 3, 4]);
        assert_eq!(results.iter().filter(|it| it.1).count(), 1);
    }

    /// CPython's `test_abort`.
    fn an_abort_breaks_it_for_all() {
        let barrier = Barrier::new(N).unwrap();
        let results = together(|| aborting::spawn(&barrier).unwrap(), || one_aborts(&barrier));
        assert!(results.iter().all(|(passed, _)| !passed), "{results:?}");
        assert_eq!(results.iter().filter(|(_, aborted)| *aborted).count(), 1);
        assert!(barrier.is_broken());
        assert_eq!(barrier.n_waiting(), 0);
        assert_eq!(barrier.wait(), Err(Broken));
    }

    /// CPython's `test_reset`.
    fn a_reset_sends_away_who_waits_and_then_it_works() {
        let barrier = Barrier::new(N).unwrap();
        let results = together(|| resetting::spawn(&barrier).unwrap(), || one_resets(&barrier));
        assert_eq!(results.iter().filter(|(told, _)| *told).count(), N - 1);
        assert!(results.iter().all(|(_, passed)| *passed), "{results:?}");
    }

    /// CPython's `test_abort_and_reset`.
    fn what_was_aborted_can_be_reset() {
        let [barrier, second] = [(); 2].map(|()| Barrier::new(N).unwrap());
        let results = together(
            || aborting_and_resetting::spawn(&barrier, &second).unwrap(),
            || abort_and_reset(&barrier, &second),
        );
        assert_eq!(results.iter().filter(|(told, _)| *told).count(), N - 1);
        assert!(results.iter().all(|(_, passed)| *passed), "{results:?}");
        assert!(!barrier.is_broken());
    }

    /// CPython's `test_timeout`.
    fn one_whose_time_runs_out_breaks_it_for_all() {
        let barrier = Barrier::new(N).unwrap();
        let results = together(|| coming_late::spawn(&barrier).unwrap(), || late(&barrier));
        assert_eq!(results, [true; N]);
        assert!(barrier.is_broken());
    }

    /// CPython's `test_thousand`.
    fn a_thousand_rounds() {
        let (barrier, counts) = (Barrier::new(N).unwrap(), counts());
        together(
            || lock_step::spawn(&barrier, &counts, 500).unwrap(),
            || in_lock_step(&barrier, &counts, 500).unwrap(),
        );
    }
}

/// CPython's `test_single_thread`, and none at all.
#[test]
fn alone_nobody_waits() {
    for parties in [0, 1] {
        let barrier = sync::Barrier::new(parties);
        for _ in 0..2 {
            let passed = barrier.wait().unwrap();
            assert_eq!((passed.index, passed.is_leader), (0, true));
        }
        assert_eq!(barrier.parties(), parties);
    }
}

#[test]
fn shows_how_it_stands() {
    let barrier = sync::Barrier::new(3);
    barrier.abort();
    let shown = format!("{barrier:?}");
    assert!(shown.contains("parties: 3") && shown.contains("broken: true"), "{shown}");
    let error: Error = barrier.wait().unwrap_err().into();
    assert!(error.to_string().contains("barrier is broken"), "{error}");
}

#[test]
fn a_timeout_is_not_early() {
    let barrier = sync::Barrier::new(2);
    let start = Instant::now();
    assert_eq!(barrier.wait_timeout(A_WHILE), Err(Broken));
    assert!(start.elapsed() >= A_WHILE);
    barrier.reset();
    let end = Instant::now() + A_WHILE;
    assert_eq!(barrier.wait_until(end), Err(Broken));
    assert!(Instant::now() >= end);
}

/// Rounds go on without those who are slow to see that theirs is over; nobody is told anything wrong by that.
#[test]
fn more_threads_than_parties_take_turns() {
    let barrier = Shared::new(sync::Barrier::new(2)).unwrap();
    let (passed, led) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Ok(here) = barrier.wait() {
                    passed.fetch_add(1, SeqCst);
                    led.fetch_add(usize::from(here.is_leader), SeqCst);
                }
            });
        }
        until(|| passed.load(SeqCst) > 2_000);
        assert!(!barrier.is_broken());
        barrier.abort();
    });
    assert_eq!(passed.into_inner(), 2 * led.into_inner());
}

/// Passes so many rounds, then waits until it is killed.
#[process]
fn pass_and_stay(barrier: &Barrier, rounds: usize, passed: &Event) {
    for _ in 0..rounds {
        barrier.wait().unwrap();
    }
    passed.set();
    loop {
        thread::park();
    }
}

/// Passes so many rounds, and is told in the next one that the barrier is broken: how long after it began to wait.
#[process]
fn pass_and_be_told(barrier: &Barrier, rounds: usize) -> bool {
    for _ in 0..rounds {
        barrier.wait().unwrap();
    }
    barrier.wait() == Err(Broken)
}

#[process]
fn wait_once(barrier: &Barrier) -> bool {
    barrier.wait().is_ok()
}

under_each_method! {
    fn a_party_killed_while_it_waits_breaks_it() {
        let barrier = Barrier::new(4).unwrap();
        let others: Vec<_> = (0..2).map(|_| pass_and_be_told::spawn(&barrier, 0).unwrap()).collect();
        others.iter().for_each(|it| until_asleep(it.pid()));
        let doomed = wait_once::spawn(&barrier).unwrap();
        until(|| barrier.n_waiting() == 3);
        until_asleep(doomed.pid());
        kill(doomed);
        for other in others {
            assert!(other.join().unwrap());
        }
        assert_eq!(barrier.wait(), Err(Broken));
        barrier.reset();
        assert_eq!(barrier.wait_timeout(Duration::from_millis(1)), Err(Broken));
    }

    fn the_first_to_come_may_be_the_one_who_dies() {
        let barrier = Barrier::new(3).unwrap();
        let doomed = wait_once::spawn(&barrier).unwrap();
        until(|| barrier.n_waiting() == 1);
        until_asleep(doomed.pid());
        let other = pass_and_be_told::spawn(&barrier, 0).unwrap();
        until(|| barrier.n_waiting() == 2);
        until_asleep(other.pid());
        kill(doomed);
        assert!(other.join().unwrap());
    }

    fn a_party_killed_between_two_rounds_breaks_it() {
        let (barrier, passed) = (Barrier::new(3).unwrap(), Event::new().unwrap());
        let other = pass_and_be_told::spawn(&barrier, 1).unwrap();
        let doomed = pass_and_stay::spawn(&barrier, 1, &passed).unwrap();
        barrier.wait().unwrap();
        passed.wait();
        until_asleep(other.pid());
        kill(doomed);
        assert!(other.join().unwrap());
        assert_eq!(barrier.wait(), Err(Broken));
        // The dead one is forgotten, and the others have gone of themselves.
        barrier.reset();
        let others: Vec<_> = (0..2).map(|_| wait_once::spawn(&barrier).unwrap()).collect();
        barrier.wait().unwrap();
        others.into_iter().for_each(|it| assert!(it.join().unwrap()));
    }

    /// Nobody waited when it died: the next one is told, and not by the clock.
    fn a_death_before_anybody_waits_is_told_to_the_next() {
        let (barrier, passed) = (Barrier::new(2).unwrap(), Event::new().unwrap());
        let doomed = pass_and_stay::spawn(&barrier, 1, &passed).unwrap();
        barrier.wait().unwrap();
        passed.wait();
        kill(doomed);
        assert_eq!(barrier.wait(), Err(Broken));
    }

    /// A newcomer does not take the dead one's place unnoticed.
    fn a_newcomer_does_not_hide_a_death() {
        let (barrier, passed) = (Barrier::new(2).unwrap(), Event::new().unwrap());
        let doomed = pass_and_stay::spawn(&barrier, 1, &passed).unwrap();
        barrier.wait().unwrap();
        passed.wait();
        kill(doomed);
        assert!(!wait_once::spawn(&barrier).unwrap().join().unwrap());
        assert!(barrier.is_broken());
    }

    /// This process with one child after another, each of which ends as processes do.
    fn who_ends_of_itself_leaves_quietly() {
        let barrier = Barrier::new(2).unwrap();
        for _ in 0..70 {
            let child = wait_once::spawn(&barrier).unwrap();
            barrier.wait().unwrap();
            assert!(child.join().unwrap());
            assert!(!barrier.is_broken());
        }
    }

    fn who_calls_exit_leaves_quietly() {
        let barrier = Barrier::new(2).unwrap();
        for _ in 0..2 {
            let child = pass_and_exit::spawn(&barrier).unwrap();
            barrier.wait().unwrap();
            let _ = child.join();
            assert!(!barrier.is_broken());
        }
        let child = wait_once::spawn(&barrier).unwrap();
        barrier.wait().unwrap();
        assert!(child.join().unwrap());
    }

    fn who_panics_breaks_it() {
        let barrier = Barrier::new(2).unwrap();
        let child = pass_and_panic::spawn(&barrier).unwrap();
        barrier.wait().unwrap();
        assert!(child.join().is_err());
        assert_eq!(barrier.wait(), Err(Broken));
    }

    /// Killed at whatever instant of many rounds: all others are told, and can go on after a reset.
    fn parties_killed_at_random_are_survived() {
        for time in 0..10 {
            let (barrier, counts) = (Barrier::new(3).unwrap(), counts());
            let doomed = rounds_without_end::spawn(&barrier, &counts).unwrap();
            let others: Vec<_> =
                (0..2).map(|_| rounds_without_end::spawn(&barrier, &counts).unwrap()).collect();
            until(|| counts[0].load(SeqCst) > 10);
            thread::sleep(Duration::from_micros(113 * time));
            kill(doomed);
            others.into_iter().for_each(|it| it.join().unwrap());
            barrier.reset();
            let others: Vec<_> = (0..2).map(|_| wait_once::spawn(&barrier).unwrap()).collect();
            barrier.wait().unwrap();
            others.into_iter().for_each(|it| assert!(it.join().unwrap()));
        }
    }
}

#[process]
fn pass_and_exit(barrier: &Barrier) {
    barrier.wait().unwrap();
    std::process::exit(0);
}

#[process]
fn pass_and_panic(barrier: &Barrier) {
    barrier.wait().unwrap();
    panic!("a party");
}

#[process]
fn rounds_without_end(barrier: &Barrier, counts: &Shared<Counts>) {
    while barrier.wait().is_ok() {
        counts[0].fetch_add(1, SeqCst);
    }
}

/// Threads come and go; each is a party for one round.
#[test]
fn threads_that_end_leave_quietly() {
    let barrier = Shared::new(sync::Barrier::new(2)).unwrap();
    for _ in 0..70 {
        let other = barrier.clone();
        let other = thread::spawn(move || other.wait().is_ok());
        barrier.wait().unwrap();
        assert!(other.join().unwrap());
    }
    assert!(!barrier.is_broken());
}

/// More than the kernel watches.
#[test]
fn works_for_more_than_64_parties() {
    let barrier = Shared::new(sync::Barrier::new(80)).unwrap();
    let leaders = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..80 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let passed = barrier.wait_timeout(DEADLINE).unwrap();
                    leaders.fetch_add(usize::from(passed.is_leader), SeqCst);
                }
            });
        }
    });
    assert_eq!(leaders.into_inner(), 5);
}

/// How many mappings of our segments this process has.
fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd:offspring")).count()
}

under_each_method! {
    /// A membership does not keep the memory of a barrier that has no handle.
    fn nothing_stays_mapped_when_the_last_handle_goes() {
        assert!(wait_once::spawn(&Barrier::new(1).unwrap()).unwrap().join().unwrap());
        let before = mappings();
        for _ in 0..10 {
            let barrier = Barrier::new(2).unwrap();
            let child = wait_once::spawn(&barrier).unwrap();
            barrier.wait().unwrap();
            assert!(child.join().unwrap());
        }
        assert_eq!(mappings(), before);
        // Another thread's membership keeps it, until that thread ends.
        let barrier = Barrier::new(1).unwrap();
        let there = barrier.clone();
        let (gone, wait) = mpsc::channel::<()>();
        let member = thread::spawn(move || {
            there.wait().unwrap();
            drop(there);
            let _ = wait.recv();
        });
        until(|| barrier.wait().unwrap().index == 0 && mappings() > before);
        drop(barrier);
        drop(gone);
        member.join().unwrap();
        drop(Event::new().unwrap());
        assert_eq!(mappings(), before);
    }
}
