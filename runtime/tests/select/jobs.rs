//! Queues of jobs: ready when there is a job, also one that comes back.

use offspring::{Event, JoinableQueue, Process, process, select};

use crate::support::{A_WHILE, NOW, SOON, kill, sleep, until_asleep};

#[process]
fn take_and_hold(jobs: &JoinableQueue<u32>, taken: &Event) {
    let _job = jobs.get().unwrap();
    taken.set();
    sleep();
}

#[process]
fn take_and_drop(jobs: &JoinableQueue<u32>, taken: &Event, drop: &Event) {
    let _job = jobs.get().unwrap();
    taken.set();
    drop.wait();
}

#[process]
fn finish_one(jobs: &JoinableQueue<u32>) -> u32 {
    let job = jobs.get().unwrap();
    let item = *job;
    job.done();
    item
}

/// Looks on, and leaves the job to others.
#[process]
fn look_on(jobs: &JoinableQueue<u32>, until: &Event) {
    assert_eq!(select(&[jobs], None).unwrap(), [0]);
    until.wait();
}

fn asleep<R>(process: Process<R>) -> Process<R> {
    until_asleep(process.pid());
    process
}

under_each_method! {
    fn a_job_that_was_put_or_came_back() {
        let jobs = JoinableQueue::new().unwrap();
        let [taken, end] = [(); 2].map(|()| Event::new().unwrap());
        assert!(select(&[&jobs], NOW).unwrap().is_empty());
        jobs.put(1).unwrap();
        assert_eq!(select(&[&jobs], None).unwrap(), [0]);
        let holder = take_and_drop::spawn(&jobs, &taken, &end).unwrap();
        taken.wait();
        assert!(select(&[&jobs, &taken], Some(A_WHILE)).unwrap() == [1], "it is being done");
        end.set();
        assert_eq!(select(&[&jobs], SOON).unwrap(), [0]);
        holder.join().unwrap();
        jobs.get().unwrap().done();
        jobs.join().unwrap();
    }

    fn the_holder_of_a_job_is_killed() {
        let (jobs, taken) = (JoinableQueue::new().unwrap(), Event::new().unwrap());
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        jobs.put(1).unwrap();
        for mixed in [false, true] {
            taken.clear();
            let holder = take_and_hold::spawn(&jobs, &taken).unwrap();
            taken.wait();
            std::thread::scope(|scope| {
                let killer = scope.spawn(|| {
                    std::thread::sleep(A_WHILE / 4);
                    kill(holder);
                });
                let ready = if mixed {
                    select(&[&socket, &jobs], SOON).unwrap()
                } else {
                    select(&[&jobs], SOON).unwrap()
                };
                // Gone, also for the next one that is forked.
                killer.join().unwrap();
                assert_eq!(ready, [usize::from(mixed)]);
            });
        }
        assert_eq!(jobs.get().unwrap().attempt(), 3);
    }

    /// A job that comes back wakes one: a selector, which leaves it to others, passes that on.
    fn a_selector_does_not_keep_a_wake_up() {
        let (jobs, end) = (JoinableQueue::new().unwrap(), Event::new().unwrap());
        for _ in 0..5 {
            let taken = Event::new().unwrap();
            jobs.put(7).unwrap();
            let holder = take_and_hold::spawn(&jobs, &taken).unwrap();
            taken.wait();
            let onlookers: Vec<_> =
                (0..2).map(|_| asleep(look_on::spawn(&jobs, &end).unwrap())).collect();
            let other = asleep(finish_one::spawn(&jobs).unwrap());
            kill(holder);
            assert_eq!(other.join().unwrap(), 7);
            // Those who looked too late to see it see the next one.
            jobs.put(8).unwrap();
            end.set();
            onlookers.into_iter().for_each(|one| one.join().unwrap());
            jobs.get().unwrap().done();
            jobs.join().unwrap();
        }
    }
}
