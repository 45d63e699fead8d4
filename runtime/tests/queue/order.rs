//! First in, first out: from one to one, from many to many, one at a time and many at a time.

use std::thread;

use offspring::{Process, Queue, process};

/// Who put it, and its number there.
type Item = (u32, u32);

#[process]
fn produce(queue: &Queue<Item>, producer: u32, count: u32) {
    for number in 0..count {
        queue.put((producer, number)).unwrap();
    }
}

#[process]
fn produce_many(queue: &Queue<Item>, producer: u32, count: u32) {
    queue.put_many((0..count).map(|number| (producer, number))).unwrap();
}

/// Takes until the end; what came.
#[process]
fn consume(queue: &Queue<Item>) -> Vec<Item> {
    queue.iter().collect()
}

#[process]
fn consume_many(queue: &Queue<Item>, at_a_time: usize) -> Vec<Item> {
    let mut items = Vec::new();
    while let Ok(more) = queue.get_many(at_a_time) {
        assert!((1..=at_a_time).contains(&more.len()), "{}", more.len());
        items.extend(more);
    }
    items
}

/// All items of so many producers, as the consumers had them: each sees those of one producer in their order.
fn check(consumers: Vec<Process<Vec<Item>>>, producers: u32, count: u32) {
    let mut all = Vec::new();
    for consumer in consumers {
        let items = consumer.join().unwrap();
        for producer in 0..producers {
            let numbers = items.iter().filter(|item| item.0 == producer).map(|item| item.1);
            assert!(numbers.is_sorted_by(|one, next| one < next), "out of order");
        }
        all.extend(items);
    }
    all.sort_unstable();
    let expected = (0..producers).flat_map(|producer| (0..count).map(move |it| (producer, it)));
    assert!(all.into_iter().eq(expected), "not what was put");
}

const COUNT: u32 = 3000;

under_each_method! {
    fn one_to_one() {
        for queue in [Queue::bounded(7).unwrap(), Queue::new().unwrap()] {
            let consumer = consume::spawn(&queue).unwrap();
            let producer = produce::spawn(&queue, 0, COUNT).unwrap();
            producer.join().unwrap();
            queue.close();
            let items = consumer.join().unwrap();
            assert!(items.into_iter().eq((0..COUNT).map(|number| (0, number))));
        }
    }

    fn four_to_four() {
        for queue in [Queue::bounded(3).unwrap(), Queue::new().unwrap()] {
            let consumers = (0..4).map(|_| consume::spawn(&queue).unwrap()).collect();
            let producers: Vec<_> =
                (0..4).map(|it| produce::spawn(&queue, it, COUNT).unwrap()).collect();
            producers.into_iter().for_each(|it| it.join().unwrap());
            queue.close();
            check(consumers, 4, COUNT);
        }
    }

    fn four_to_four_many_at_a_time() {
        for queue in [Queue::bounded(5).unwrap(), Queue::new().unwrap()] {
            let consumers = (1..5).map(|it| consume_many::spawn(&queue, 7 * it).unwrap()).collect();
            let producers: Vec<_> =
                (0..4).map(|it| produce_many::spawn(&queue, it, COUNT).unwrap()).collect();
            producers.into_iter().for_each(|it| it.join().unwrap());
            queue.close();
            check(consumers, 4, COUNT);
        }
    }
}

#[test]
fn between_threads_with_one_handle_each_or_one_for_all() {
    let queue = Queue::bounded(4).unwrap();
    thread::scope(|scope| {
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let own = queue.clone();
                let queue = &queue;
                scope.spawn(move || {
                    (0..2000).map(|_| own.get().unwrap() + queue.get().unwrap()).sum::<u64>()
                })
            })
            .collect();
        for _ in 0..3 {
            scope.spawn(|| (0..4000).for_each(|number: u64| queue.put(number).unwrap()));
        }
        let sum: u64 = takers.into_iter().map(|it| it.join().unwrap()).sum();
        assert_eq!(sum, 3 * (0..4000).sum::<u64>());
    });
}

#[test]
fn many_at_a_time_are_those_that_are_there() {
    let queue = Queue::new().unwrap();
    queue.put_many(0..200_u32).unwrap();
    assert_eq!(queue.get_many(0).unwrap(), [0; 0]);
    assert_eq!(queue.get_many(1).unwrap(), [0]);
    assert_eq!(queue.get_many(99).unwrap(), (1..100).collect::<Vec<_>>());
    assert_eq!(queue.len(), 100);
    assert_eq!(queue.get_many(usize::MAX).unwrap(), (100..200).collect::<Vec<_>>());
    assert!(queue.is_empty());
    assert_eq!(queue.get_many(0).unwrap(), [0; 0], "does not wait for none");
    queue.put_many([]).unwrap();
    assert!(queue.is_empty());
    // The same for those that are encoded.
    let queue = Queue::new().unwrap();
    queue.put_many((0..200).map(|number| (number, number.to_string()))).unwrap();
    assert_eq!(queue.get_many(2).unwrap(), [(0, "0".to_owned()), (1, "1".to_owned())]);
    assert_eq!(queue.get_many(1000).unwrap().len(), 198);
}

/// What is asked for before its source is at its end: an iterator that looks at the queue meanwhile.
#[test]
fn a_lazy_source_may_use_the_queue() {
    let queue = Queue::new().unwrap();
    queue.put(0).unwrap();
    let source = (0..3).map(|_| queue.get().unwrap() + 1);
    queue.put_many(source.take(1)).unwrap();
    assert_eq!(queue.get().unwrap(), 1);
}
