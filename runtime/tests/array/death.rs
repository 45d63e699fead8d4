//! Holders of pieces that end, are killed, or never get them: the elements are everybody's again.

use std::thread;

use offspring::{Array, Chunk, Event, Queue, pipe, process};

use crate::support::{DEADLINE, kill, until};

fn sleep_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// Writes, says so, and never gives it back.
#[process]
fn hold(mut part: Chunk<[u64; 3]>, held: &Event) {
    part.fill([7; 3]);
    held.set();
    sleep_for_ever()
}

/// Lends all of it to itself, and has a piece in each hand.
#[process]
fn hold_all(array: &Array<[u64; 3]>, held: &Event) {
    let mut parts = array.chunks_mut(1).unwrap();
    let _two = (parts.next(), parts.next_back());
    held.set();
    sleep_for_ever()
}

/// Has it in a message that nobody takes.
#[process]
fn keep_in_flight(part: Chunk<[u64; 3]>, held: &Event) {
    let (a, _b) = pipe::<Chunk<[u64; 3]>, ()>().unwrap();
    a.send(part).unwrap();
    held.set();
    sleep_for_ever()
}

#[process]
fn leak(part: Chunk<[u64; 3]>) {
    std::mem::forget(part);
}

#[process]
fn panic_with(mut part: Chunk<[u64; 3]>) {
    std::panic::set_hook(Box::new(|_| ()));
    part[0] = [9; 3];
    panic!("on purpose");
}

/// Changes elements for ever.
#[process]
fn change(array: &Array<[u64; 3]>) {
    for round in 0.. {
        array.update(round % array.len(), |element| *element = [element[0] + 1; 3]).unwrap();
    }
}

#[process]
fn overwrite(array: &Array<[u64; 3]>) {
    let all = [[1; 3], [2; 3]].map(|element| vec![element; array.len()]);
    loop {
        all.iter().for_each(|all| array.write(0, all).unwrap());
    }
}

fn array() -> Array<[u64; 3]> {
    Array::filled([1; 3], 6).unwrap()
}

under_each_method! {
    fn killed_with_a_piece() {
        let (array, held) = (array(), Event::new().unwrap());
        let mut parts = array.chunks_mut(2).unwrap();
        let child = hold::spawn(parts.next().unwrap(), &held).unwrap();
        drop(parts);
        held.wait();
        assert_eq!(array.lent(), 2);
        assert!(array.try_to_vec().is_err() && array.try_get(0).is_err());
        assert_eq!(array.get(2), Some([1; 3]), "that is nobody's");
        kill(child);
        assert_eq!(array.to_vec().unwrap(), [[7; 3], [7; 3], [1; 3], [1; 3], [1; 3], [1; 3]]);
    }

    fn killed_with_all_pieces() {
        let (array, held) = (array(), Event::new().unwrap());
        let child = hold_all::spawn(&array, &held).unwrap();
        held.wait();
        assert_eq!(array.lent(), 6);
        kill(child);
        assert_eq!(array.chunks_mut(6).unwrap().len(), 1);
    }

    fn killed_with_a_piece_on_its_way() {
        let (array, held) = (array(), Event::new().unwrap());
        let part = array.chunks_mut(6).unwrap().next().unwrap();
        let child = keep_in_flight::spawn(part, &held).unwrap();
        held.wait();
        assert!(array.is_lent());
        kill(child);
        assert_eq!(array.to_vec().unwrap(), [[1; 3]; 6]);
    }

    fn ended_without_a_drop_or_by_a_panic() {
        let array = array();
        let mut parts = array.chunks_mut(3).unwrap();
        leak::spawn(parts.next().unwrap()).unwrap().join().unwrap();
        panic_with::spawn(parts.next().unwrap()).unwrap().join().unwrap_err();
        drop(parts);
        assert_eq!(array.get(3), Some([9; 3]));
        assert!(array.wait_timeout(DEADLINE).unwrap());
    }

    /// At whatever moment that is: elements stay whole, and the others go on.
    fn killed_while_it_changes_elements() {
        for _ in 0..10 {
            let array = Array::filled([1; 3], 2000).unwrap();
            let children = [change::spawn(&array).unwrap(), overwrite::spawn(&array).unwrap()];
            until(|| array.get(0) != Some([1; 3]));
            children.into_iter().for_each(kill);
            let elements = array.to_vec().unwrap();
            assert!(elements.iter().all(|element| *element == [element[0]; 3]), "{elements:?}");
            array.fill([5; 3]).unwrap();
            assert_eq!(array.update(7, |element| element[1]).unwrap(), Some(5));
        }
    }
}

#[test]
fn lost_on_its_way() {
    let array = array();
    let mut parts = array.chunks_mut(2).unwrap();
    let (a, b) = pipe::<Chunk<[u64; 3]>, ()>().unwrap();
    a.send(parts.next().unwrap()).unwrap();
    drop(parts);
    assert_eq!(array.lent(), 2);
    drop(b);
    // The socket's memory is given back by the kernel, in its own time.
    assert!(array.wait_timeout(DEADLINE).unwrap());
    drop(a);
    let queue = Queue::new().unwrap();
    queue.put(array.chunks_mut(6).unwrap().next().unwrap()).unwrap();
    assert_eq!(array.lent(), 6);
    drop(queue);
    assert!(!array.is_lent());
}
