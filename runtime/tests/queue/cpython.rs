//! CPython's own tests of its queues (Lib/test/_test_multiprocessing.py), said in Rust: the same checks by the same names,
//! for those who come from there; those of `JoinableQueue` are in `tests/jobs`. Left out is what has no meaning here; where we promise something else, the test
//! says so.

use std::time::{Duration, Instant};

use offspring::__private::serde::de::{Deserialize, Deserializer};
use offspring::__private::serde::ser::{Error as _, Serialize, Serializer};
use offspring::{
    Event, GetError, GetTimeoutError, PutError, PutTimeoutError, Queue, TryGetError, TryPutError,
    process,
};

use crate::support::{A_WHILE, until};

const MAXSIZE: usize = 6;

#[process]
fn take_all(queue: &Queue<u32>, start: &Event, can_continue: &Event) {
    start.wait();
    (0..MAXSIZE).for_each(|_| _ = queue.get().unwrap());
    can_continue.set();
}

#[process]
fn fill(queue: &Queue<u32>, start: &Event, can_continue: &Event) {
    start.wait();
    queue.put_many(1..=5).unwrap();
    can_continue.set();
}

#[process]
fn put_ten_more(queue: &Queue<u32>) {
    (10..20).for_each(|number| queue.put(number).unwrap());
}

/// The child's part of `TestSimpleQueue.test_empty`.
#[process]
fn put_two(queue: &Queue<bool>, start: &Event, can_continue: &Event) {
    start.wait();

    queue.put(true).unwrap();
    queue.put(false).unwrap();
    can_continue.set();
}

under_each_method! {
    fn test_put() {
        let queue = Queue::bounded(MAXSIZE).unwrap();
        let [start, can_continue] = [(); 2].map(|()| Event::new().unwrap());
        let child = take_all::spawn(&queue, &start, &can_continue).unwrap();
        assert!(queue.is_empty() && !queue.is_full());
        queue.put(1).unwrap();
        queue.put_many([2]).unwrap();
        queue.put_timeout(3, A_WHILE).unwrap();
        queue.put_timeout(4, Duration::MAX).unwrap();
        queue.try_put(5).unwrap();
        queue.put_timeout(6, Duration::ZERO).unwrap();
        // At once, since there is no thread that has to put it first.
        assert!(!queue.is_empty() && queue.is_full());
        assert!(matches!(queue.try_put(7), Err(TryPutError::Full(7))));
        assert!(matches!(queue.put_timeout(7, Duration::ZERO), Err(PutTimeoutError::TimedOut(7))));
        let begin = Instant::now();
        assert!(matches!(queue.put_timeout(7, A_WHILE), Err(PutTimeoutError::TimedOut(7))));
        assert!(begin.elapsed() >= A_WHILE);
        start.set();
        can_continue.wait();
        assert!(queue.is_empty() && !queue.is_full());
        child.join().unwrap();
    }

    fn test_get() {
        let queue = Queue::new().unwrap();
        let [start, can_continue] = [(); 2].map(|()| Event::new().unwrap());
        let child = fill::spawn(&queue, &start, &can_continue).unwrap();
        assert!(queue.is_empty());
        start.set();
        can_continue.wait();
        assert!(!queue.is_empty());
        assert_eq!(queue.try_get().unwrap(), 1);
        assert_eq!(queue.get_timeout(Duration::MAX).unwrap(), 2);
        assert_eq!(queue.get().unwrap(), 3);
        assert_eq!(queue.get_timeout(Duration::from_secs(1)).unwrap(), 4);
        assert_eq!(queue.get_many(1).unwrap(), [5]);
        assert!(queue.is_empty());
        assert!(matches!(queue.try_get(), Err(TryGetError::Empty)));
        child.join().unwrap();
        // A handle of somebody who is gone: Python waits, and we say at last that nobody is left.
        assert!(queue.get_timeout(Duration::ZERO).is_err());
        let begin = Instant::now();
        let over = queue.get_timeout(A_WHILE);
        let deserted = matches!(over, Err(GetTimeoutError::PeerDied));
        assert!(deserted || begin.elapsed() >= A_WHILE, "{over:?}");
    }

    fn test_fork() {
        let queue = Queue::new().unwrap();
        (0..10).for_each(|number| queue.put(number).unwrap());
        let child = put_ten_more::spawn(&queue).unwrap();
        assert!((0..20).all(|number| queue.get().unwrap() == number));
        assert!(matches!(queue.try_get(), Err(TryGetError::Empty)));
        child.join().unwrap();
    }

    fn test_qsize() {
        let queue = Queue::new().unwrap();
        assert_eq!(queue.len(), 0);
        queue.put(1).unwrap();
        assert_eq!(queue.len(), 1);
        queue.put(5).unwrap();
        assert_eq!(queue.len(), 2);
        queue.get().unwrap();
        assert_eq!(queue.len(), 1);
        queue.get().unwrap();
        assert_eq!(queue.len(), 0);
    }

    fn test_timeout() {
        let queue = Queue::<u32>::new().unwrap();
        let start = Instant::now();
        let empty = queue.get_timeout(Duration::from_millis(200));
        assert!(matches!(empty, Err(GetTimeoutError::TimedOut)));
        assert!(start.elapsed() >= Duration::from_millis(200));
    }

    /// Nothing is sent later: whoever puts what cannot be sent is told, and has it back.
    fn test_queue_feeder_donot_stop_onexc() {
        let queue = Queue::bounded(1).unwrap();
        assert!(matches!(queue.put(NotSerializable(false)), Err(PutError::Failed(..))));
        assert_eq!(queue.len(), 0);
        queue.put(NotSerializable(true)).unwrap();
        assert_eq!(queue.len(), 1);
        assert!(queue.get_timeout(A_WHILE).unwrap().0);
        assert!(queue.is_empty());
    }

    /// Instead of a hook that is called with the error and the object, `put` gives both.
    fn test_queue_feeder_on_queue_feeder_error() {
        let queue = Queue::new().unwrap();
        let refused = queue.put(NotSerializable(false));
        let Err(PutError::Failed(object, error)) = refused else { panic!("{refused:?}") };
        assert!(!object.0);
        assert!(error.to_string().contains("cannot be sent"), "{error}");
        queue.put(NotSerializable(true)).unwrap();
        assert!(queue.get().unwrap().0);
    }

    /// A closed queue can be asked, here.
    fn test_closed_queue_empty_exceptions() {
        let queue = Queue::<u32>::new().unwrap();
        queue.close();
        assert!(queue.is_empty());
        let used = Queue::new().unwrap();
        used.put(1).unwrap();
        used.close();
        assert!(!used.is_empty() && used.is_closed());
    }

    fn test_closed_queue_put_get_exceptions() {
        let queue = Queue::new().unwrap();
        queue.close();
        assert!(matches!(queue.put("foo".to_owned()), Err(PutError::Closed(text)) if text == "foo"));
        assert!(matches!(queue.get(), Err(GetError::Closed)));
    }

    /// `TestSimpleQueue.test_empty`.
    fn test_simple_empty() {
        let queue = Queue::new().unwrap();
        let [start, can_continue] = [(); 2].map(|()| Event::new().unwrap());
        let child = put_two::spawn(&queue, &start, &can_continue).unwrap();
        assert!(queue.is_empty());
        start.set();
        can_continue.wait();
        assert!(!queue.is_empty());
        assert!(queue.get().unwrap());
        assert!(!queue.get().unwrap());
        until(|| queue.is_empty());
        child.join().unwrap();
    }

    /// `TestSimpleQueue.test_close` and `test_closed`: closed once or twice, it is closed, for putting and then for taking.
    fn test_simple_close() {
        let queue = Queue::<u32>::new().unwrap();
        queue.close();
        queue.close();
        assert!(queue.is_closed());
        assert!(queue.put(1).is_err() && queue.get().is_err());
    }
}

/// Cannot be sent, unless it says so.
#[derive(Debug)]
struct NotSerializable(bool);

impl Serialize for NotSerializable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 { true.serialize(serializer) } else { Err(S::Error::custom("not at all")) }
    }
}

impl<'de> Deserialize<'de> for NotSerializable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bool::deserialize(deserializer).map(Self)
    }
}
