//! Waiting when nobody is left who could end it: that is noticed, and never before it is true.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use offspring::{
    Event, GetError, GetTimeoutError, PutError, PutTimeoutError, Queue, Shared, process,
};

use crate::support::{A_WHILE, DEADLINE, kill, state, until, until_asleep};

#[process]
fn hold(_queue: &Queue<u64>) {
    loop {
        thread::park();
    }
}

#[process]
fn put_later(queue: &Queue<u64>) {
    thread::sleep(3 * A_WHILE);
    queue.put(1).unwrap();
}

#[process]
fn get_later(queue: &Queue<u64>) -> u64 {
    thread::sleep(3 * A_WHILE);
    queue.get().unwrap()
}

/// Gives it to a child of its own, which outlives it.
#[process]
fn pass_on(queue: &Queue<u64>) {
    put_later::task(queue).spawn().unwrap();
}

fn nobody_puts(queue: &Queue<u64>) {
    let one = queue.get();
    assert!(matches!(one, Err(GetError::PeerDied)), "{one:?}");
    let many = queue.get_many(2);
    assert!(matches!(many, Err(GetError::PeerDied)), "{many:?}");
    let timed = queue.get_timeout(DEADLINE);
    assert!(matches!(timed, Err(GetTimeoutError::PeerDied)), "{timed:?}");
    assert_eq!(queue.iter().count(), 0);
}

under_each_method! {
    fn who_waits_for_an_item_when_the_others_have_ended() {
        let queue = Queue::new().unwrap();
        let children: Vec<_> = (0..2).map(|_| put_later::spawn(&queue).unwrap()).collect();
        // From when nobody has begun, until everybody has ended: what was put comes first.
        assert_eq!(queue.get().unwrap() + queue.get().unwrap(), 2);
        nobody_puts(&queue);
        children.into_iter().for_each(|it| it.join().unwrap());
        // It works on for those who have it.
        queue.put(7).unwrap();
        assert_eq!(queue.get().unwrap(), 7);
        nobody_puts(&queue);
    }

    fn who_waits_for_an_item_when_the_others_were_killed() {
        let queue = Queue::new().unwrap();
        let holders: Vec<_> = (0..2).map(|_| hold::spawn(&queue).unwrap()).collect();
        holders.iter().for_each(|it| until_asleep(it.pid()));
        assert!(matches!(queue.get_timeout(3 * A_WHILE), Err(GetTimeoutError::TimedOut)));
        holders.into_iter().for_each(kill);
        nobody_puts(&queue);
    }

    fn who_waits_for_room() {
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        let child = get_later::spawn(&queue).unwrap();
        queue.put(2).unwrap();
        let refused = queue.put(3);
        assert!(matches!(refused, Err(PutError::PeerDied(3))), "{refused:?}");
        assert_eq!(child.join().unwrap(), 1);
        let refused = queue.put_timeout(4, DEADLINE);
        assert!(matches!(refused, Err(PutTimeoutError::PeerDied(4))), "{refused:?}");
        let refused = queue.put_many([5, 6]);
        assert!(matches!(refused, Err(PutError::PeerDied(rest)) if rest == [5, 6]));
        assert_eq!(queue.get().unwrap(), 2);
        queue.put(8).unwrap();
    }

    fn who_waits_in_place() {
        let queue = Queue::bounded(1).unwrap();
        let holder = hold::spawn(&queue).unwrap();
        kill(holder);
        assert!(matches!(queue.get_with(|_| ()), Err(GetError::PeerDied)));
        queue.put(1).unwrap();
        assert!(matches!(queue.reserve(), Err(PutError::PeerDied(()))));
    }

    /// The one who had it from a dead one is still there.
    fn whoever_got_it_from_others_counts() {
        let queue = Queue::new().unwrap();
        let middle = pass_on::spawn(&queue).unwrap();
        assert_eq!(queue.get().unwrap(), 1);
        middle.join().unwrap();
        nobody_puts(&queue);
    }
}

/// Makes a queue, gives it to a child, and waits to be killed.
#[process]
fn found(outcome: &Shared<AtomicU32>, ready: &Event, putting: bool) {
    let queue = Queue::bounded(1).unwrap();
    if putting {
        queue.put(0).unwrap();
    }
    let _child = outlive::spawn(&queue, outcome, ready, putting).unwrap();
    loop {
        thread::park();
    }
}

#[process]
fn outlive(queue: &Queue<u64>, outcome: &Shared<AtomicU32>, ready: &Event, putting: bool) {
    ready.set();
    let told = if putting {
        matches!(queue.put_timeout(1, DEADLINE), Err(PutTimeoutError::PeerDied(1)))
    } else {
        matches!(queue.get_timeout(DEADLINE), Err(GetTimeoutError::PeerDied))
    };
    outcome.store(if told { std::process::id() } else { u32::MAX }, SeqCst);
}

under_each_method! {
    /// The one who made it, and started the others.
    fn the_founder_was_killed() {
        for putting in [false, true] {
            let (outcome, ready) = (Shared::new(AtomicU32::new(0)).unwrap(), Event::new().unwrap());
            let founder = found::spawn(&outcome, &ready, putting).unwrap();
            ready.wait();
            thread::sleep(A_WHILE);
            assert_eq!(outcome.load(SeqCst), 0, "too early");
            kill(founder);
            until(|| outcome.load(SeqCst) != 0);
            let told = outcome.load(SeqCst);
            assert_ne!(told, u32::MAX, "nobody told it");
            until(|| state(told).is_none_or(|state| state == 'Z'));
        }
    }
}

/// Of threads, those count that have a handle of their own, or have used the common one.
#[test]
fn threads_with_handles_count() {
    let queue = Queue::new().unwrap();
    kill(hold::spawn(&queue).unwrap());
    thread::scope(|scope| {
        let own = queue.clone();
        scope.spawn(move || {
            thread::sleep(3 * A_WHILE);
            own.put(1).unwrap();
        });
        assert_eq!(queue.get().unwrap(), 1);
    });
    nobody_puts(&queue);
    let used = Event::new().unwrap();
    thread::scope(|scope| {
        let (queue, used) = (&queue, &used);
        scope.spawn(move || {
            queue.put(2).unwrap();
            used.set();
            thread::sleep(3 * A_WHILE);
            queue.put(3).unwrap();
        });
        used.wait();
        assert_eq!(queue.get().unwrap() + queue.get().unwrap(), 5);
    });
    nobody_puts(&queue);
}

/// Nobody else ever had it, so that nobody can have died: then a wait is a wait.
#[test]
fn a_queue_that_was_never_passed_on_is_not_deserted() {
    let queue = Queue::<u64>::new().unwrap();
    assert!(matches!(queue.get_timeout(3 * A_WHILE), Err(GetTimeoutError::TimedOut)));
}
