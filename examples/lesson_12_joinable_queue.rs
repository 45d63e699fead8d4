//! Lesson 12: queues of jobs, or waiting until all is done.
//!
//! `put` counts a job, `task_done` counts it off, and `join` waits until all are counted off.
//!
//! | | Python | here |
//! | --- | --- | --- |
//! | make one | `jq = JoinableQueue()` | `JoinableQueue::new()?` |
//! | put a job | `jq.put("a")` | `jq.put("a")?` |
//! | take one | `x = jq.get()` | `let job = jq.get()?`, which is used like the item itself |
//! | say that it is done | `jq.task_done()` | `job.done()`, or `jq.task_done(job)` |
//! | wait until all are done | `jq.join()` | `jq.join()?` |
//!
//! In Python, a consumer that dies between `get` and `task_done` takes the job along, and `join` waits for ever. Here, the job goes back to
//! the front of the queue, and somebody else gets it, with the number of the attempt; after three attempts it is a dead letter.
//!
//! Run it: `cargo run --example lesson_12_joinable_queue`

use offspring::prelude::*;
use offspring::{Error, JoinableQueue, Queue};

// 2. A producer, and consumers that live as long as main: it ends when all buns are eaten.

#[process]
fn producer(buns: &JoinableQueue<String>) {
    for number in 1..=6 {
        buns.put(format!("bun {number}")).unwrap();
    }
    buns.join().unwrap();
}

#[daemon]
fn consumer(name: &str, buns: &JoinableQueue<String>, eaten: &Queue<String>) {
    for bun in buns {
        std::thread::sleep(Duration::from_millis(10));
        eaten.put(format!("{name} ate {}", *bun)).unwrap();
        bun.done();
    }
}

// 3. One of the jobs kills whoever tries it.

#[process]
fn worker(jobs: &JoinableQueue<u32>, log: &Queue<String>) {
    for job in jobs {
        log.put(format!("job {}, attempt {}", *job, job.attempt())).unwrap();
        if *job == 13 {
            std::process::abort();
        }
        job.done();
    }
}

fn main() -> offspring::Result<()> {
    let jq = JoinableQueue::new()?;
    jq.put("a".to_owned())?;
    let job = jq.get()?;
    println!("1. {}", *job);
    println!("1. all done before task_done: {}", jq.join_timeout(Duration::from_millis(50))?);
    jq.task_done(job);
    jq.join()?;
    println!("1. finish");

    let (buns, eaten) = (JoinableQueue::bounded(3)?, Queue::new()?);
    for name in ["ann", "bob"] {
        consumer::spawn(name, &buns, &eaten)?;
    }
    producer::spawn(&buns)?.join()?;
    for line in eaten.get_many(100)? {
        println!("2. {line}");
    }

    let (jobs, log) = (JoinableQueue::new()?, Queue::new()?);
    jobs.put_many([12, 13, 14])?;
    // Whoever tries job 13 dies of it, and is replaced, until the job is given up.
    let (mut last, mut deaths) = (worker::spawn(&jobs, &log)?, 0);
    while let Err(Error::PeerDied) = jobs.join() {
        deaths += 1;
        last = worker::spawn(&jobs, &log)?;
    }
    jobs.close();
    last.join()?;
    for line in log.get_many(100)? {
        println!("3. {line}");
    }
    println!("3. {deaths} workers died of {:?}", jobs.dead_letters()?);
    Ok(())
}
