//! Nothing is left when the last handle is gone: no descriptor, no mapping, nothing lent.

use std::fs;

use offspring::{Array, Chunk, Queue, message, pipe, process};

use crate::support::run;

#[message]
struct Both {
    array: Array<u64>,
    part: Chunk<u64>,
}

#[process]
fn back(mut both: Both) -> Both {
    both.part.fill(4);
    both
}

/// The descriptors and mappings of shared memory that this process has.
fn held() -> (Vec<String>, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let names = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (
        names.filter(|name| name.starts_with("/memfd:")).collect(),
        maps.lines().filter(|line| line.contains("/memfd:")).count(),
    )
}

fn use_all() {
    let array = Array::filled(1_u64, 100).unwrap();
    let parts: Vec<_> = array.chunks_mut(10).unwrap().collect();
    let mut parts = parts.into_iter();
    let mut next = || parts.next().unwrap();
    let both = Both { array: array.clone(), part: next() };
    let child = back::spawn(both).unwrap();
    let (a, b) = pipe::<Chunk<u64>, Array<u64>>().unwrap();
    a.send(next()).unwrap();
    b.send(array.clone()).unwrap();
    let queue = Queue::new().unwrap();
    queue.put(next()).unwrap();
    queue.put(next()).unwrap();
    drop(queue.get().unwrap());
    let both = child.join().unwrap();
    assert_eq!((both.part[0], a.recv().unwrap().ptr_eq(&both.array)), (4, true));
    // On its way for ever.
    b.send(array.clone()).unwrap();
    _ = back::task(Both { array, part: next() });
}

#[process(start = "spawn", timeout = "60s")]
fn in_a_process() {
    use_all();
    let before = held();
    (0..20).for_each(|_| use_all());
    assert_eq!(held(), before);
}

#[test]
fn nothing_is_left() {
    run(in_a_process::task());
}

/// One that comes again is not mapped again.
#[test]
fn what_is_here_is_not_opened_twice() {
    let array = Array::filled(1_u64, 100).unwrap();
    let (a, b) = pipe::<Array<u64>, ()>().unwrap();
    let own = |array: &Array<u64>| {
        a.send(array.clone()).unwrap();
        b.recv().unwrap()
    };
    let many: Vec<_> = (0..50).map(|_| own(&array)).collect();
    assert!(many.iter().all(|same| same.ptr_eq(&array)));
    drop(array);
    _ = many[7].set(3, 5).unwrap();
    assert_eq!(own(&many[9]).get(3), Some(5));
}
