//! Handles inside of items: they lead to the same thing, as long as whoever put them lives.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use offspring::{Error, Event, GetError, Lock, Queue, Shared, message, process};

use crate::support::{DEADLINE, kill, until_asleep};

#[message]
#[derive(Debug, Clone)]
struct Tools {
    name: String,
    lock: Lock,
    count: Shared<AtomicU32>,
    answers: Queue<String>,
    padding: Vec<String>,
}

impl Tools {
    fn new(padding: usize) -> Self {
        Self {
            name: "tools".to_owned(),
            lock: Lock::new().unwrap(),
            count: Shared::new(AtomicU32::new(0)).unwrap(),
            answers: Queue::new().unwrap(),
            padding: vec!["padding".to_owned(); padding],
        }
    }
}

/// Uses what comes.
#[process]
fn work(tools: &Queue<Tools>) {
    for tools in tools {
        let _held = tools.lock.lock().unwrap();
        let count = 1 + tools.count.fetch_add(1, SeqCst);
        tools.answers.put(format!("{} {count} {}", tools.name, tools.padding.len())).unwrap();
    }
}

/// Puts what leads to things of its own, and ends; or waits to be killed.
#[process]
fn lend(tools: &Queue<Tools>, numbers: &Queue<u64>, stay: bool) {
    for padding in [0, 20_000, 0] {
        tools.put(Tools::new(padding)).unwrap();
    }
    numbers.put(7).unwrap();
    if stay {
        loop {
            std::thread::park();
        }
    }
}

fn assert_is_lost(result: Result<Tools, GetError>) {
    let Err(GetError::Failed(error @ Error::Decode { .. })) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("has ended"), "{error}");
}

under_each_method! {
    fn handles_travel_in_items() {
        let tools = Queue::new().unwrap();
        let workers: Vec<_> = (0..2).map(|_| work::spawn(&tools).unwrap()).collect();
        // The second does not fit into what is encoded first and then copied.
        let (small, large) = (Tools::new(1), Tools::new(20_000));
        for _ in 0..20 {
            tools.put_many([small.clone(), large.clone()]).unwrap();
            tools.put(small.clone()).unwrap();
        }
        tools.close();
        workers.into_iter().for_each(|it| it.join().unwrap());
        assert_eq!((small.count.load(SeqCst), large.count.load(SeqCst)), (40, 20));
        assert_eq!((small.answers.len(), large.answers.len()), (40, 20));
        assert!(large.answers.get().unwrap().ends_with(" 20000"));
    }

    /// Items of one who has ended, or was killed, are lost if there are handles in them, and only then.
    fn handles_of_the_dead_are_an_error_and_the_queue_goes_on() {
        let (tools, numbers) = (Queue::new().unwrap(), Queue::new().unwrap());
        lend::spawn(&tools, &numbers, false).unwrap().join().unwrap();
        let other = lend::spawn(&tools, &numbers, true).unwrap();
        assert_eq!(numbers.get().unwrap() + numbers.get().unwrap(), 14);
        // While it is alive, they can be had.
        assert_eq!(tools.len(), 6);
        (0..3).for_each(|_| assert_is_lost(tools.get()));
        assert_eq!(tools.get().unwrap().name, "tools");
        until_asleep(other.pid());
        kill(other);
        tools.put(Tools::new(3)).unwrap();
        assert_is_lost(tools.get());
        let lost = tools.get_many(5);
        assert!(matches!(lost, Err(GetError::Failed(Error::Decode { .. }))), "{lost:?}");
        assert_eq!(tools.get_many(5).unwrap()[0].padding.len(), 3);
        assert!(tools.is_empty());
    }
}

/// By way of the same process.
#[test]
fn one_finds_what_one_has_put() {
    let queues = Queue::new().unwrap();
    let inner = Queue::bounded(3).unwrap();
    inner.put(5_u8).unwrap();
    queues.put_many([inner.clone(), inner.clone()]).unwrap();
    let found = queues.get().unwrap();
    assert!(found.ptr_eq(&inner) && !found.ptr_eq(&Queue::new().unwrap()));
    assert_eq!(found.get().unwrap(), 5);
    // A queue in itself.
    let one = Queue::<Event>::new().unwrap();
    let event = Event::new().unwrap();
    one.put(event.clone()).unwrap();
    one.get().unwrap().set();
    assert!(event.is_set());
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// In a program of its own, where nobody else opens anything.
#[process(start = "spawn", timeout = "60s")]
fn many_handles() {
    let events = Queue::new().unwrap();
    let event = Event::new().unwrap();
    let pass = || {
        events.put(event.clone()).unwrap();
        events.get().unwrap().is_set()
    };
    pass();
    let before = descriptors();
    for _ in 0..3000 {
        assert!(!pass());
    }
    assert!(descriptors() < before + 10, "what has been taken is not kept open");
}

#[process(start = "spawn", timeout = "60s")]
fn many_queues() {
    let event = Event::new().unwrap();
    let pass = |taken: bool| {
        let events = Queue::new().unwrap();
        events.put(event.clone()).unwrap();
        if taken {
            events.get().unwrap();
        }
    };
    pass(true);
    let before = descriptors();
    for round in 0..3000 {
        pass(round % 2 == 0);
    }
    assert!(descriptors() < before + 10, "what nobody can take any more is not kept open");
}

#[test]
fn handles_are_kept_no_longer_than_their_items() {
    many_handles::spawn().unwrap().join().unwrap();
}

#[test]
fn handles_in_queues_that_are_gone_are_not_kept() {
    many_queues::spawn().unwrap().join().unwrap();
}

/// Takes a queue out of a queue, answers through it, and waits until it has been told that it may go.
#[process]
fn answer(questions: &Queue<Queue<u64>>) {
    let answers = questions.get().unwrap();
    answers.put(42).unwrap();
}

under_each_method! {
    /// That it waited in an item makes nobody wait for it after that.
    fn a_queue_that_came_in_a_queue_is_not_held_by_whoever_sent_it() {
        let (questions, answers) = (Queue::new().unwrap(), Queue::new().unwrap());
        questions.put(answers.clone()).unwrap();
        let child = answer::spawn(&questions).unwrap();
        assert_eq!(answers.get().unwrap(), 42);
        child.join().unwrap();
        let end = answers.get_timeout(DEADLINE / 4);
        assert!(matches!(end, Err(offspring::GetTimeoutError::PeerDied)), "{end:?}");
    }
}
