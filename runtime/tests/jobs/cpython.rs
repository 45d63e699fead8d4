//! What CPython checks of its `JoinableQueue` (`test.test_multiprocessing`, `_TestQueue.test_task_done`).

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use offspring::{JoinableQueue, Shared, process};

use crate::support::A_WHILE;

/// Works until the sentinel comes.
#[process]
fn consume(queue: &JoinableQueue<Option<u32>>, done: &Shared<AtomicU32>) {
    while let Ok(job) = queue.get() {
        let Some(_) = *job else {
            job.done();
            return;
        };
        std::thread::sleep(A_WHILE / 4);
        done.fetch_add(1, SeqCst);
        queue.task_done(job);
    }
}

under_each_method! {
    fn test_task_done() {
        let queue = JoinableQueue::new().unwrap();
        let done = Shared::new(AtomicU32::new(0)).unwrap();
        let consumers = [(); 4].map(|()| consume::spawn(&queue, &done).unwrap());
        for number in 0..10 {
            queue.put(Some(number)).unwrap();
        }
        queue.join().unwrap();
        assert_eq!(done.load(SeqCst), 10);
        for _ in &consumers {
            queue.put(None).unwrap();
        }
        consumers.into_iter().for_each(|consumer| consumer.join().unwrap());
        queue.join().unwrap();
    }
}
