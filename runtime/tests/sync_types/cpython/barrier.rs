//! `_TestBarrier`: `Barrier`, with five parties: this process and four children.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use offspring::{Barrier, Process, Shared, process};

use crate::support::until;

const N: usize = 5;

/// What the parties count; Python appends to lists.
type Counts = Shared<[AtomicUsize]>;

fn count(counts: &Counts, which: usize) -> usize {
    counts[which].fetch_add(1, SeqCst)
}

fn counted(counts: &Counts) -> [usize; 3] {
    [0, 1, 2].map(|which| counts[which].load(SeqCst))
}

/// What each party does.
#[derive(Clone, Copy)]
#[offspring::message]
enum Part {
    Multipass(usize),
    Leader,
    Action,
    Abort,
    Reset,
    AbortAndReset,
    Timeout,
    Thousand,
}

#[process]
fn party(part: Part, barrier: &Barrier, second: &Barrier, counts: &Counts) {
    play(part, barrier, second, counts);
}

fn play(part: Part, barrier: &Barrier, second: &Barrier, counts: &Counts) {
    match part {
        Part::Multipass(passes) => multipass(passes, barrier, counts),
        Part::Leader => {
            let result = barrier.wait().unwrap();
            assert_eq!(result.is_leader(), result.is_leader);
            assert!(result.index() < N);
            counts[0].fetch_add(usize::from(result.index() == 0), SeqCst);
            counts[1].fetch_add(usize::from(result.is_leader()), SeqCst);
            // The numbers are all there, each once: 0 + 1 + 2 + 3 + 4.
            counts[2].fetch_add(result.index(), SeqCst);
        }
        Part::Action => action(barrier, counts),
        Part::Abort => {
            abort(barrier, counts);
        }
        Part::Reset => reset(barrier, counts),
        Part::AbortAndReset => {
            abort(barrier, counts);
            if second.wait().unwrap().index() == N / 2 {
                barrier.reset();
            }
            second.wait().unwrap();
            barrier.wait().unwrap();
            count(counts, 2);
        }
        Part::Timeout => {
            if barrier.wait().unwrap().index() == N / 2 {
                // One party is late.
                thread::sleep(Duration::from_secs(1));
            }
            if barrier.wait_timeout(Duration::from_millis(500)).is_err() {
                count(counts, 0);
            }
        }
        Part::Thousand => {
            for pass in 0..1000 {
                barrier.wait().unwrap();
                assert_eq!(count(counts, 0) / N, pass, "somebody is a round ahead");
            }
        }
    }
}

/// In lock-step.
fn multipass(passes: usize, barrier: &Barrier, counts: &Counts) {
    assert_eq!(barrier.parties(), N);
    for pass in 0..passes {
        count(counts, 0);
        assert_eq!(counts[1].load(SeqCst), pass * N);
        barrier.wait().unwrap();
        count(counts, 1);
        assert_eq!(counts[0].load(SeqCst), (pass + 1) * N);
        barrier.wait().unwrap();
    }
}

/// Something is done once, while all wait for it: Python gives it to the barrier, Rust to the leader.
fn action(barrier: &Barrier, counts: &Counts) {
    if barrier.wait().unwrap().is_leader() {
        count(counts, 0);
    }
    barrier.wait().unwrap();
    assert_eq!(counts[0].load(SeqCst), 1);
}

/// One party aborts instead of waiting a second time.
fn abort(barrier: &Barrier, counts: &Counts) {
    if barrier.wait().unwrap().index() == N / 2 {
        barrier.abort();
    } else if barrier.wait().is_ok() {
        count(counts, 0);
    } else {
        count(counts, 1);
    }
}

/// One party resets it when the others wait.
fn reset(barrier: &Barrier, counts: &Counts) {
    if barrier.wait().unwrap().index() == N / 2 {
        until(|| barrier.n_waiting() == N - 1);
        barrier.reset();
    } else if barrier.wait().is_ok() {
        count(counts, 0);
    } else {
        count(counts, 1);
    }
    barrier.wait().unwrap();
    count(counts, 2);
}

/// All five parties play; afterwards, the barrier and what they have counted.
fn run_parties(part: Part) -> (Barrier, [usize; 3]) {
    let (barrier, second) = (Barrier::new(N).unwrap(), Barrier::new(N).unwrap());
    let counts = Shared::from_fn(3, |_| AtomicUsize::new(0)).unwrap();
    let start = |_| party::spawn(part, &barrier, &second, &counts).unwrap();
    let children: Vec<Process<()>> = (1..N).map(start).collect();
    play(part, &barrier, &second, &counts);
    children.into_iter().for_each(|child| child.join().unwrap());
    let counted = counted(&counts);
    (barrier, counted)
}

under_each_method! {
    fn test_barrier() {
        let (barrier, counted) = run_parties(Part::Multipass(1));
        assert_eq!(counted, [N, N, 0]);
        assert_eq!(barrier.n_waiting(), 0);
        assert!(!barrier.is_broken());
    }

    fn test_barrier_10() {
        let (barrier, counted) = run_parties(Part::Multipass(10));
        assert_eq!(counted, [10 * N, 10 * N, 0]);
        assert_eq!(barrier.n_waiting(), 0);
        assert!(!barrier.is_broken());
    }

    fn test_wait_return() {
        assert_eq!(run_parties(Part::Leader).1, [1, 1, 10]);
    }

    fn test_action() {
        assert_eq!(run_parties(Part::Action).1, [1, 0, 0]);
    }

    fn test_abort() {
        let (barrier, counted) = run_parties(Part::Abort);
        assert_eq!(counted, [0, N - 1, 0]);
        assert!(barrier.is_broken());
    }

    fn test_reset() {
        let (barrier, counted) = run_parties(Part::Reset);
        assert_eq!(counted, [0, N - 1, N]);
        assert!(!barrier.is_broken());
    }

    fn test_abort_and_reset() {
        let (barrier, counted) = run_parties(Part::AbortAndReset);
        assert_eq!(counted, [0, N - 1, N]);
        assert!(!barrier.is_broken());
    }

    fn test_timeout() {
        let (barrier, counted) = run_parties(Part::Timeout);
        assert_eq!(counted[0], N);
        assert!(barrier.is_broken());
    }

    fn test_single_thread() {
        let barrier = Barrier::new(1).unwrap();
        assert!(barrier.wait().unwrap().is_leader());
        assert!(barrier.wait().unwrap().is_leader());
    }

    fn test_thousand() {
        let (barrier, counted) = run_parties(Part::Thousand);
        assert_eq!(counted[0], 1000 * N);
        assert!(!barrier.is_broken());
    }
}
