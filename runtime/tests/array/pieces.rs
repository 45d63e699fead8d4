//! Pieces in one process: what they are, and what everybody else is told meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use offspring::{Array, Chunk, Error};

fn is_mine<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Lent { to_this_process: true }))
}

#[test]
fn pieces_are_as_those_of_a_slice() {
    for len in [0, 1, 5, 6, 7] {
        let array = Array::from_fn(len, |i| i).unwrap();
        let slice: Vec<usize> = (0..len).collect();
        for size in [1, 2, 3, 7, 100, usize::MAX] {
            let pieces = array.chunks_mut(size).unwrap();
            assert_eq!(pieces.len(), slice.chunks(size).len());
            for (piece, expected) in pieces.zip(slice.chunks(size)) {
                assert_eq!((&*piece, piece.start()), (expected, expected[0]));
            }
            let backwards = array.chunks_mut(size).unwrap().rev();
            for (piece, expected) in backwards.zip(slice.chunks(size).rev()) {
                assert_eq!(&*piece, expected);
            }
        }
    }
}

#[test]
fn pieces_of_nothing_are_an_error() {
    let error = Array::from([1, 2]).unwrap().chunks_mut(0).unwrap_err();
    assert!(error.to_string().contains("pieces of no elements"), "{error}");
}

#[test]
fn what_is_written_in_pieces_is_there() {
    let array = Array::filled(0_u32, 100).unwrap();
    let mut pieces: Vec<Chunk<u32>> = array.chunks_mut(7).unwrap().collect();
    thread::scope(|scope| {
        for piece in &mut pieces {
            scope.spawn(|| {
                let start = piece.start() as u32;
                piece.iter_mut().zip(start..).for_each(|(element, number)| *element = number);
            });
        }
    });
    drop(pieces);
    assert_eq!(array.to_vec().unwrap(), (0..100).collect::<Vec<u32>>());
}

#[test]
fn who_has_a_piece_is_told_instead_of_waiting_for_itself() {
    let array = Array::from([[1_u16; 3]; 10]).unwrap();
    assert_eq!((array.is_lent(), array.lent()), (false, 0));
    let mut pieces = array.chunks_mut(2).unwrap();
    assert_eq!((array.is_lent(), array.lent()), (true, 10));
    let (first, last) = (pieces.next().unwrap(), pieces.next_back().unwrap());
    assert!(is_mine(array.set(5, [2; 3])), "the iterator has it");
    drop(pieces);
    assert_eq!((array.is_lent(), array.lent()), (true, 4));
    assert!(is_mine(array.to_vec()) && is_mine(array.try_to_vec()) && is_mine(array.iter()));
    assert!(is_mine(array.chunks_mut(3)) && is_mine(array.try_chunks_mut(3)));
    assert!(is_mine(array.set(0, [2; 3])) && is_mine(array.update(9, |_| ())));
    assert!(is_mine(array.try_get(1)) && is_mine(array.fill([0; 3])));
    assert!(is_mine(array.read(1, &mut [[0; 3]; 2])) && is_mine(array.write(7, &[[0; 3]; 2])));
    assert!(is_mine(array.wait_timeout(Duration::from_secs(60))));
    assert!(catch_unwind(AssertUnwindSafe(|| array.get(0))).is_err());
    assert_eq!(format!("{array:?}"), "Array { len: 10, lent: 4, .. }");
    assert_eq!(format!("{first:?}"), "Chunk { start: 0, elements: [[1, 1, 1], [1, 1, 1]] }");
    // All the others can be used.
    assert_eq!(array.set(5, [2; 3]).unwrap(), [1; 3]);
    array.write(2, &[[3; 3]; 3]).unwrap();
    let mut some = [[0; 3]; 6];
    array.read(2, &mut some).unwrap();
    assert_eq!(some, [[3; 3], [3; 3], [3; 3], [2; 3], [1; 3], [1; 3]]);
    assert_eq!((array.get(2), array.try_get(5).unwrap()), (Some([3; 3]), Some([2; 3])));
    drop(first);
    assert_eq!((array.get(0), array.lent()), (Some([1; 3]), 2));
    drop(last);
    assert!(!array.is_lent() && array.wait_timeout(Duration::ZERO).unwrap());
    assert_eq!(array.to_vec().unwrap()[9], [1; 3]);
}

#[test]
fn a_piece_can_be_dropped_anywhere() {
    let array = Array::from([1, 2, 3, 4]).unwrap();
    let mut pieces = array.chunks_mut(2).unwrap();
    let (one, two) = (pieces.next().unwrap(), pieces.next().unwrap());
    drop(two);
    // Inside of the array's own lock, and by a thread that did not make it.
    array.update(3, |_| drop(one)).unwrap();
    assert_eq!(array.to_vec().unwrap(), [1, 2, 3, 4]);
    let piece = array.chunks_mut(4).unwrap().next();
    thread::spawn(|| drop(piece)).join().unwrap();
    assert_eq!(array.chunks_mut(1).unwrap().count(), 4);
}

#[test]
fn inside_of_a_change_a_piece_is_not_waited_for() {
    let array = Array::from([1, 2, 3, 4]).unwrap();
    let piece = array.chunks_mut(2).unwrap().next().unwrap();
    array.update(3, |_| assert!(matches!(array.to_vec(), Err(Error::Lock(_))))).unwrap();
    drop(piece);
}

#[test]
fn many_pieces_at_a_time_take_no_descriptors() {
    let array = Array::filled(0_u8, 20_000).unwrap();
    let mut pieces: Vec<_> = array.chunks_mut(1).unwrap().collect();
    pieces.iter_mut().for_each(|piece| piece[0] = piece.start() as u8);
    // Every other one first: the kernel has to keep many ranges apart.
    let mut number = 0;
    pieces.retain(|_| {
        number += 1;
        number % 20 == 0
    });
    assert_eq!(array.lent(), 1000);
    assert_eq!(array.get(0), Some(0));
    drop(pieces);
    assert!(array.iter().unwrap().enumerate().all(|(i, element)| element == i as u8));
}

/// `Array` and `Chunk` go where `&mut [T]` goes.
#[test]
fn they_are_sent_to_and_shared_with_threads() {
    fn both<T: Send + Sync>() {}
    both::<Array<u32>>();
    both::<Chunk<u32>>();
    both::<offspring::ChunksMut<u32>>();
}
