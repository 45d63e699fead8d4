//! Copies of a process (`StartMethod::Fork`): what the original has is not theirs, and does not stay lent because of them.

use std::sync::Mutex;

use offspring::{Array, Chunk, ChunksMut, Event, Process, StartMethod, process};

use crate::support::{DEADLINE, kill, run, set_start_method};

/// What a copy finds in the same place.
static PART: Mutex<Option<Chunk<u32>>> = Mutex::new(None);
static REST: Mutex<Option<ChunksMut<u32>>> = Mutex::new(None);

/// In a copy.
#[process(start = "fork")]
fn look(array: &Array<u32>) -> (usize, usize, bool) {
    let mut part = PART.lock().unwrap().take().unwrap();
    part.fill(99);
    let mut rest = REST.lock().unwrap().take().unwrap();
    let seen = (part.len(), rest.len() + usize::from(rest.next().is_some()));
    drop((part, rest));
    (seen.0, seen.1, array.try_get(0).is_err())
}

/// In a copy, which cannot send it on either.
#[process(start = "fork")]
fn send_on() -> Option<Chunk<u32>> {
    PART.lock().unwrap().take()
}

#[process(start = "spawn", timeout = "60s")]
fn originals() {
    let array = Array::filled(1, 6).unwrap();
    let mut parts = array.chunks_mut(2).unwrap();
    *PART.lock().unwrap() = parts.next();
    *REST.lock().unwrap() = Some(parts);
    assert_eq!(look::spawn(&array).unwrap().join().unwrap(), (0, 0, true));
    assert!(send_on::spawn().unwrap().join().is_err());
    assert_eq!(array.lent(), 6, "nothing has come back");
    let mut part = PART.lock().unwrap().take().unwrap();
    part.fill(2);
    drop(part);
    drop(REST.lock().unwrap().take());
    assert_eq!(array.to_vec().unwrap(), [2, 2, 1, 1, 1, 1]);
}

#[test]
fn what_the_original_has_is_not_to_be_seen() {
    run(originals::task());
}

/// Lives on after its original.
#[process(start = "fork")]
fn outlive(born: &Event, end: &Event) {
    born.set();
    end.wait();
}

/// Has pieces in every state, is copied, and waits to be killed.
#[process(start = "spawn")]
fn be_copied(array: Array<u32>, inherited: Chunk<u32>, born: Event, end: Event) {
    let own = array.try_chunks_mut(1);
    assert!(own.is_err(), "some of it is lent");
    let task = keep::task(inherited);
    _ = outlive::spawn(&born, &end).unwrap();
    end.wait();
    drop(task);
}

#[process]
fn keep(_part: Chunk<u32>) {}

#[process(start = "spawn")]
fn be_copied_with_all(array: Array<u32>, born: Event, end: Event) {
    let mut parts = array.chunks_mut(2).unwrap();
    let _part = parts.next();
    _ = outlive::spawn(&born, &end).unwrap();
    end.wait();
}

fn dies(make: impl FnOnce(Array<u32>, Event, Event) -> Process<()>) {
    let array = Array::filled(1, 6).unwrap();
    let (born, end) = (Event::new().unwrap(), Event::new().unwrap());
    let original = make(array.clone(), born.clone(), end.clone());
    born.wait();
    assert_eq!(array.lent(), 6);
    kill(original);
    let is_back = array.wait_timeout(DEADLINE).unwrap();
    end.set();
    assert!(is_back, "its copy keeps it");
}

#[test]
fn a_copy_keeps_nothing_lent_when_its_original_dies() {
    dies(|array, born, end| be_copied_with_all::spawn(array, born, end).unwrap());
    dies(|array, born, end| {
        let part = array.chunks_mut(6).unwrap().next().unwrap();
        be_copied::spawn(array, part, born, end).unwrap()
    });
}

/// A piece can be handed to a copy, which has it then.
#[process(start = "spawn", timeout = "60s")]
fn hand_to_copies() {
    set_start_method(StartMethod::Fork);
    let array = Array::filled(1, 6).unwrap();
    let children: Vec<_> =
        array.chunks_mut(2).unwrap().map(|part| number::spawn(part).unwrap()).collect();
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(array.to_vec().unwrap(), [0, 0, 2, 2, 4, 4]);
}

#[process]
fn number(mut part: Chunk<u32>) {
    let start = part.start() as u32;
    part.fill(start);
}

#[test]
fn a_copy_has_what_it_is_handed() {
    run(hand_to_copies::task());
}
