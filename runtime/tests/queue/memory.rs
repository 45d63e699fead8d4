//! What a queue takes of the machine: as much as waits in it, and not much when it has been drained.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::thread;

use offspring::{PutError, Queue, TryPutError, process};

use crate::support::{A_WHILE, until, until_asleep};

/// Bytes of memory of all queues (and other shared objects) that this process has open.
fn reserved() -> u64 {
    let mut objects = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let name = fs::read_link(entry.path()).unwrap_or_default();
        if name.to_string_lossy().starts_with("/memfd:")
            && let Ok(data) = fs::metadata(entry.path())
        {
            objects.insert(data.ino(), data.blocks() * 512);
        }
    }
    objects.into_values().sum()
}

const MIB: usize = 1 << 20;

#[process]
fn get(queue: &Queue<Vec<u8>>, count: usize) {
    (0..count).for_each(|_| _ = queue.get().unwrap());
}

under_each_method! {
    /// A backlog of some size comes and goes.
    fn a_drained_queue_gives_back_what_it_had() {
        let queue = Queue::new().unwrap();
        let small = reserved();
        for round in 0..3 {
            for number in 0..60 {
                queue.put(vec![number; MIB]).unwrap();
            }
            assert!(reserved() - small > 60 * MIB as u64);
            for number in 0..60 {
                assert_eq!(queue.get().unwrap()[MIB - 1], number);
            }
            assert!(queue.try_get().is_err());
            let left = reserved() - small;
            assert!(left < 10 * MIB as u64, "{left} bytes are left in round {round}");
            queue.put(vec![9; 10]).unwrap();
            assert_eq!(queue.get().unwrap(), [9; 10]);
        }
    }

    /// Whoever waits for the next item gives it back, without a word from anybody.
    fn who_waits_gives_it_back() {
        let queue = Queue::new().unwrap();
        let small = reserved();
        for _ in 0..40 {
            queue.put(vec![1; MIB]).unwrap();
        }
        let child = get::spawn(&queue, 41).unwrap();
        until(|| queue.is_empty() && reserved() - small < 10 * MIB as u64);
        queue.put(vec![1]).unwrap();
        child.join().unwrap();
    }
}

/// Each in a program of its own, where nobody else has objects.
#[process(start = "spawn", timeout = "60s")]
fn steady_stream() {
    let queue = Queue::new().unwrap();
    queue.put(vec![0; 1000]).unwrap();
    let small = reserved();
    for number in 0..200_000_u64 {
        queue.put(vec![number as u8; 1000]).unwrap();
        queue.get().unwrap();
    }
    assert_eq!(reserved(), small, "what streams needs no more than what waits");
}

#[process(start = "spawn", timeout = "60s")]
fn given_up() {
    let queue = Queue::<Vec<u8>>::new().unwrap();
    let small = reserved();
    for len in [20 * MIB, 100 * MIB] {
        drop(queue.reserve_bytes(len).unwrap());
        assert!(queue.try_get().is_err());
        let left = reserved() - small;
        assert!(left < 10 * MIB as u64, "{left} bytes are left of {len} that were not put");
    }
}

#[process(start = "spawn", timeout = "60s")]
fn dropped() {
    let before = reserved();
    for _ in 0..3 {
        let queue = Queue::new().unwrap();
        (0..50).for_each(|_| queue.put(vec![1_u8; MIB]).unwrap());
    }
    assert_eq!(reserved(), before);
}

#[test]
fn a_stream_needs_no_more_than_what_waits() {
    steady_stream::spawn().unwrap().join().unwrap();
}

#[test]
fn room_that_was_not_used_comes_back() {
    given_up::spawn().unwrap().join().unwrap();
}

#[test]
fn a_queue_that_is_gone_takes_nothing() {
    dropped::spawn().unwrap().join().unwrap();
}

/// Through all sizes of memory, up and down and up again, with what waits in several of them at a time.
#[test]
fn order_is_kept_while_it_grows_and_shrinks() {
    let queue = Queue::new().unwrap();
    let (mut put, mut taken) = (0_u64, 0_u64);
    let item = |number: u64, len: usize| vec![number; len];
    for (more, len, fewer) in [
        (10, 10, 5),
        (2000, 10, 100),
        (50, 10_000, 10),
        (20, 300_000, 1000),
        (3000, 1, 2000),
        (5, 2_000_000, usize::MAX),
        (100, 100, 50),
        (1, 1_000_000, 10),
        (10_000, 30, usize::MAX),
    ] {
        for _ in 0..more {
            queue.put(item(put, len)).unwrap();
            put += 1;
        }
        for _ in 0..fewer {
            let Ok(next) = queue.try_get() else { break };
            assert!(next.iter().all(|number| *number == taken), "item {taken}");
            taken += 1;
        }
        assert_eq!(queue.len() as u64, put - taken);
    }
    assert_eq!(put, taken);
}

/// The maximum of about a gibibyte.
#[test]
fn one_that_grows_refuses_what_is_too_much() {
    let queue = Queue::new().unwrap();
    let len = 64 * MIB;
    let mut count: usize = 0;
    let mut item = vec![0_u8; len];
    let item = loop {
        item[..8].copy_from_slice(&count.to_ne_bytes());
        match queue.put(item) {
            Ok(()) => count += 1,
            Err(PutError::Full(item)) => break item,
            Err(error) => panic!("{error:?}"),
        }
        // All but the first bytes are of no interest, and zeros cost little.
        item = vec![0; len];
        assert!(count < 40, "there is no end");
    };
    assert!(count * len >= 900 * MIB, "only {count}");
    assert_eq!(item[..8], count.to_ne_bytes());
    assert!(matches!(queue.try_put(item), Err(TryPutError::Full(_))));
    // As soon as there is room, it goes on.
    for number in 0..count {
        assert_eq!(queue.get().unwrap()[..8], number.to_ne_bytes());
    }
    assert!(queue.try_get().is_err());
    queue.put(vec![3; 10]).unwrap();
    assert_eq!(queue.get().unwrap(), [3; 10]);
}

#[process]
fn put_large(queue: &Queue<Vec<u8>>) {
    queue.put(vec![0; 600 * MIB]).unwrap();
}

/// How long a process has run, in ticks of the system's clock (proc_pid_stat(5)).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1.split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}

/// A bounded one lets those wait whose items are too large beside what is in it, and they sleep.
#[test]
fn too_much_for_now_waits_in_a_bounded_queue() {
    let queue = Queue::bounded(3).unwrap();
    (0..2).for_each(|_| queue.put(vec![0_u8; 300 * MIB]).unwrap());
    let third = put_large::spawn(&queue).unwrap();
    // When it has made its item.
    until(|| ticks(third.pid()) > 0);
    until_asleep(third.pid());
    let before = ticks(third.pid());
    thread::sleep(5 * A_WHILE);
    let ran = ticks(third.pid()) - before;
    assert!(ran < 20, "{ran} ticks in half a second, and it has nothing to do");
    (0..2).for_each(|_| assert_eq!(queue.get().unwrap().len(), 300 * MIB));
    assert_eq!(queue.get().unwrap().len(), 600 * MIB);
    third.join().unwrap();
}
