//! `JoinableQueue` as a user sees it: jobs that are done, come back, are given up, and are waited for.

#[path = "../sync_types/support.rs"]
#[macro_use]
mod support;

mod cpython;
mod deaths;

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use offspring::{
    Error, GetError, JoinableQueue, Lock, Queue, Shared, TryGetError, message, process,
};

use support::{A_WHILE, DEADLINE};

#[test]
fn a_job_counts_until_it_is_done() {
    let queue = JoinableQueue::new().unwrap();
    queue.join().unwrap();
    queue.put("a".to_owned()).unwrap();
    assert!(!queue.join_timeout(A_WHILE).unwrap());
    let job = queue.get().unwrap();
    assert_eq!((job.as_str(), job.attempt(), queue.len()), ("a", 1, 0));
    assert!(!queue.join_timeout(A_WHILE).unwrap(), "taken is not done");
    queue.task_done(job);
    queue.join().unwrap();
    assert!(matches!(queue.try_get(), Err(TryGetError::Empty)));
}

#[test]
fn a_job_that_is_dropped_comes_back_before_all_others() {
    let queue = JoinableQueue::bounded(8).unwrap().with_attempts(4);
    queue.put_many(1..=3).unwrap();
    let (one, two) = (queue.get().unwrap(), queue.get().unwrap());
    assert_eq!((*one, *two), (1, 2));
    drop(two);
    assert_eq!(queue.len(), 2);
    drop(one);
    let order: Vec<_> = (0..3)
        .map(|_| {
            let job = queue.get().unwrap();
            (job.attempt(), job.done())
        })
        .collect();
    assert_eq!(order, [(2, 1), (2, 2), (1, 3)]);
    queue.join().unwrap();
}

#[test]
fn a_job_that_is_dropped_too_often_is_a_dead_letter() {
    let queue = JoinableQueue::new().unwrap().with_attempts(2);
    queue.put_many(["bad", "good"].map(str::to_owned)).unwrap();
    for attempt in 1..=2 {
        let job = queue.get().unwrap();
        assert_eq!((job.as_str(), job.attempt()), ("bad", attempt));
    }
    assert_eq!(queue.get().unwrap().done(), "good");
    queue.join().unwrap();
    assert_eq!(queue.dead_letters().unwrap(), ["bad"]);
    assert!(queue.dead_letters().unwrap().is_empty());
}

#[test]
fn jobs_of_all_kinds_come_back_whole() {
    let large: Vec<u8> = (0..3_000_000).map(|at| at as u8).collect();
    let queue = JoinableQueue::new().unwrap();
    queue.put((large.clone(), vec!["text".to_owned(); 5])).unwrap();
    queue.put((Vec::new(), Vec::new())).unwrap();
    drop(queue.get().unwrap());
    let job = queue.get().unwrap();
    assert_eq!(job.attempt(), 2);
    assert!(job.0 == large && job.1.len() == 5);
    job.done();
    assert_eq!(queue.get().unwrap().done(), (Vec::new(), Vec::new()));
    queue.join().unwrap();
}

#[test]
fn handles_in_jobs_come_back_too() {
    let queue = JoinableQueue::new().unwrap();
    let lock = Lock::new().unwrap();
    queue.put(lock.clone()).unwrap();
    drop(queue.get().unwrap());
    queue.put(Lock::new().unwrap()).unwrap();
    let job = queue.get().unwrap();
    assert!(job.ptr_eq(&lock));
    job.done();
}

#[test]
fn there_is_a_limit_to_jobs_in_progress_and_an_end_to_it() {
    let queue = JoinableQueue::new().unwrap();
    queue.put_many(0..1025).unwrap();
    let mut jobs = queue.get_many(2000).unwrap();
    assert_eq!(jobs.len(), 1024);
    assert!(matches!(queue.get(), Err(GetError::Failed(Error::TooManyJobs))));
    jobs.pop().unwrap().done();
    assert_eq!(queue.get().unwrap().done(), 1024);
    jobs.into_iter().for_each(|job| _ = job.done());
    queue.join().unwrap();
}

#[test]
fn a_closed_queue_gives_what_is_left() {
    let queue = JoinableQueue::new().unwrap();
    queue.put_many(0..3).unwrap();
    let first = queue.get().unwrap();
    queue.close();
    assert!(queue.put(9).is_err());
    drop(first);
    let rest: Vec<i32> = queue.iter().map(offspring::Job::done).collect();
    assert_eq!(rest, [0, 1, 2]);
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    queue.join().unwrap();
}

#[test]
fn a_thread_that_ends_gives_its_jobs_back() {
    let queue = JoinableQueue::new().unwrap();
    queue.put(5).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| std::mem::forget(queue.get().unwrap()));
    });
    let job = queue.get_timeout(DEADLINE).unwrap();
    assert_eq!((*job, job.attempt()), (5, 2));
    job.done();
}

#[message]
#[derive(Debug, PartialEq)]
struct Sum {
    numbers: Vec<u32>,
}

#[process]
fn add(sums: &JoinableQueue<Sum>, results: &Queue<u32>, started: &Shared<AtomicU32>) {
    started.fetch_add(1, SeqCst);
    for sum in sums {
        results.put(sum.numbers.iter().sum()).unwrap();
        sum.done();
    }
}

under_each_method! {
    fn jobs_are_done_elsewhere_and_waited_for() {
        let (sums, results) = (JoinableQueue::bounded(4).unwrap(), Queue::new().unwrap());
        let started = Shared::new(AtomicU32::new(0)).unwrap();
        let workers = [0, 1].map(|_| add::spawn(&sums, &results, &started).unwrap());
        for number in 0..50 {
            sums.put(Sum { numbers: vec![number; 10] }).unwrap();
        }
        sums.join().unwrap();
        assert_eq!(results.len(), 50, "join returns when all are done, not before");
        sums.close();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        let mut all = results.get_many(100).unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..50).map(|number| number * 10).collect::<Vec<_>>());
    }

    fn join_says_when_nobody_is_left_to_do_it() {
        let (sums, results) = (JoinableQueue::new().unwrap(), Queue::new().unwrap());
        let started = Shared::new(AtomicU32::new(0)).unwrap();
        sums.close();
        let worker = add::spawn(&sums, &results, &started).unwrap();
        worker.join().unwrap();
        let sums = JoinableQueue::<Sum>::new().unwrap();
        let worker = add::spawn(&sums, &results, &started).unwrap();
        support::until(|| started.load(SeqCst) == 2);
        support::kill(worker);
        sums.put(Sum { numbers: vec![1] }).unwrap();
        assert!(matches!(sums.join(), Err(Error::PeerDied)));
        assert!(matches!(sums.join_timeout(DEADLINE), Err(Error::PeerDied)));
        assert_eq!(sums.get().unwrap().done(), Sum { numbers: vec![1] });
        sums.join_timeout(Duration::ZERO).unwrap();
    }
}
