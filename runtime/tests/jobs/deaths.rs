//! Whoever has a job is killed: somebody else gets it, at once and before all others, and `join` waits for that.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use offspring::{Error, JoinableQueue, Process, Queue, Shared, process};

use crate::support::{DEADLINE, kill, until, until_asleep};

/// Takes so many jobs, says so, and sits on them.
#[process]
fn sit_on(jobs: &JoinableQueue<u32>, count: usize, taken: &Shared<AtomicU32>) {
    let _jobs: Vec<_> = (0..count).map(|_| jobs.get().unwrap()).collect();
    taken.fetch_add(1, SeqCst);
    loop {
        thread::park();
    }
}

/// Does all jobs, and says which, and at which attempt.
#[process]
fn work(jobs: &JoinableQueue<u32>, log: &Queue<(u32, u32)>) {
    for job in jobs {
        log.put((*job, job.attempt())).unwrap();
        job.done();
    }
}

/// Does jobs that take a moment, and counts those that are done.
#[process]
fn labour(jobs: &JoinableQueue<u32>, done: &Shared<[AtomicU32]>) {
    for job in jobs {
        thread::sleep(std::time::Duration::from_micros(300));
        done[*job as usize].fetch_add(1, SeqCst);
        job.done();
    }
}

fn sitter(jobs: &JoinableQueue<u32>, count: usize) -> Process<()> {
    let taken = Shared::new(AtomicU32::new(0)).unwrap();
    let sitter = sit_on::spawn(jobs, count, &taken).unwrap();
    until(|| taken.load(SeqCst) == 1);
    sitter
}

under_each_method! {
    fn a_sleeping_worker_gets_the_jobs_of_the_dead() {
        let (jobs, log) = (JoinableQueue::new().unwrap(), Queue::new().unwrap());
        jobs.put_many([7, 8]).unwrap();
        let sitter = sitter(&jobs, 2);
        let worker = work::spawn(&jobs, &log).unwrap();
        until_asleep(worker.pid());
        kill(sitter);
        jobs.join().unwrap();
        // The kernel gives back one after the other, and the worker is awake after the first.
        let mut log = log.get_many(9).unwrap();
        log.sort_unstable();
        assert_eq!(log, [(7, 2), (8, 2)]);
        jobs.close();
        worker.join().unwrap();
    }

    fn a_full_queue_behind_the_jobs_of_the_dead() {
        let (jobs, log) = (JoinableQueue::bounded(4).unwrap(), Queue::new().unwrap());
        jobs.put_many(0..4).unwrap();
        let sitter = sitter(&jobs, 4);
        jobs.put_many(4..8).unwrap();
        assert!(jobs.is_full() && jobs.try_put(99).is_err());
        kill(sitter);
        assert_eq!(jobs.len(), 8);
        assert!(jobs.try_put(99).is_err(), "what came back takes no room from anybody, and makes none");
        let worker = work::spawn(&jobs, &log).unwrap();
        jobs.put(8).unwrap();
        jobs.join().unwrap();
        let attempts = (0..9).map(|number| (number, if number < 4 { 2 } else { 1 }));
        assert_eq!(log.get_many(99).unwrap(), attempts.collect::<Vec<_>>());
        jobs.close();
        worker.join().unwrap();
    }

    fn who_joins_waits_for_the_jobs_of_the_dead() {
        let jobs = JoinableQueue::new().unwrap();
        jobs.put_many([1, 2]).unwrap();
        let sitter = sitter(&jobs, 2);
        thread::scope(|scope| {
            let joined = jobs.clone();
            let joining = scope.spawn(move || joined.join_timeout(DEADLINE));
            kill(sitter);
            assert_eq!(jobs.get().unwrap().done(), 1);
            assert!(!joining.is_finished());
            assert_eq!(jobs.get().unwrap().done(), 2);
            assert!(joining.join().unwrap().unwrap());
        });
    }

    fn a_job_that_kills_is_given_up() {
        let jobs = JoinableQueue::new().unwrap().with_attempts(2);
        jobs.put_many([1, 2]).unwrap();
        for _ in 0..2 {
            kill(sitter(&jobs, 1));
        }
        assert_eq!(jobs.get().unwrap().done(), 2);
        jobs.join().unwrap();
        assert_eq!(jobs.dead_letters().unwrap(), [1]);
    }

    fn all_is_done_though_workers_are_killed_all_the_time() {
        const JOBS: u32 = 300;
        let jobs = JoinableQueue::bounded(16).unwrap().with_attempts(60_000);
        let done = Shared::from_fn(JOBS as usize, |_| AtomicU32::new(0)).unwrap();
        let start = || labour::spawn(&jobs, &done).unwrap();
        let mut workers = [(); 3].map(|()| start());
        let mut next = 0..JOBS;
        let mut kills = 0_usize;
        while next.start < JOBS || !jobs.join_timeout(std::time::Duration::from_millis(2)).unwrap() {
            for number in next.by_ref().take(20) {
                jobs.put(number).unwrap();
            }
            workers[kills % 3].kill().unwrap();
            kills += 1;
            for worker in workers.iter_mut().filter(|worker| !worker.is_alive()) {
                *worker = start();
            }
        }
        assert!(done.iter().all(|times| times.load(SeqCst) >= 1), "join returned too early");
        jobs.close();
        workers.iter().for_each(|worker| _ = worker.wait().unwrap());
        assert!(jobs.dead_letters().unwrap().is_empty());
        assert!(!matches!(jobs.join(), Err(Error::PeerDied)));
    }
}
