//! Items written and read where they lie.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use offspring::{GetError, Queue, message, process, shared};

#[shared]
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Frame {
    number: u64,
    pixels: [u8; 100],
}

#[process]
fn film(frames: &Queue<Frame>, count: u64) {
    for number in 0..count {
        frames.reserve().unwrap().write(Frame { number, pixels: [number as u8; 100] }).unwrap();
    }
}

#[process]
fn write_lines(lines: &Queue<Vec<u8>>, count: usize) {
    for len in 0..count {
        let mut line = lines.reserve_bytes(len).unwrap();
        assert_eq!(line.len(), len);
        line.fill(len as u8);
        line.commit().unwrap();
    }
}

under_each_method! {
    fn written_there_and_read_there() {
        let frames = Queue::bounded(3).unwrap();
        let child = film::spawn(&frames, 500).unwrap();
        for number in 0..500 {
            let sum = frames.get_with(|frame| {
                assert_eq!(std::ptr::from_ref(frame).addr() % 64, 0, "aligned as it wants to be");
                assert_eq!(frame.number, number);
                frame.pixels.iter().map(|pixel| u64::from(*pixel)).sum::<u64>()
            });
            assert_eq!(sum.unwrap(), 100 * u64::from(number as u8));
        }
        child.join().unwrap();
        assert!(frames.is_empty());
    }

    fn bytes_of_any_number() {
        let lines = Queue::new().unwrap();
        let child = write_lines::spawn(&lines, 500).unwrap();
        for len in 0..500 {
            let fits = lines.get_bytes_with(|line| (line.len(), line.iter().all(|it| *it == len as u8)));
            assert_eq!(fits.unwrap(), (len, true));
        }
        child.join().unwrap();
    }
}

/// Bytes may go in and out by either way.
#[test]
fn by_value_and_in_place() {
    let queue = Queue::<Vec<u8>>::new().unwrap();
    queue.put(vec![1; 3]).unwrap();
    queue.put_bytes(&[2; 70_000]).unwrap();
    let mut room = queue.reserve_bytes(5).unwrap();
    room.copy_from_slice(b"three");
    assert!(format!("{room:?}").contains('5'));
    room.commit().unwrap();
    queue.put(vec![4]).unwrap();
    assert_eq!(queue.get_bytes_with(<[u8]>::to_vec).unwrap(), [1; 3]);
    assert_eq!(queue.get().unwrap(), [2; 70_000]);
    assert_eq!(queue.get_many(5).unwrap(), [b"three".to_vec(), vec![4]]);
}

#[shared]
#[message]
#[derive(Clone, Copy, PartialEq, Debug)]
struct Point {
    x: i64,
    y: i64,
}

#[test]
fn what_was_written_in_place_can_be_taken_by_value() {
    let points = Queue::<Point>::bounded(4).unwrap();
    points.reserve().unwrap().write(Point { x: 1, y: -1 }).unwrap();
    assert_eq!(points.get().unwrap(), Point { x: 1, y: -1 });
    // But what was encoded is no `Point` that could be lent.
    points.put(Point { x: 2, y: 3 }).unwrap();
    let refused = points.get_with(|point| point.x);
    assert!(matches!(&refused, Err(GetError::Failed(_))), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("get"));
    assert_eq!(points.get().unwrap(), Point { x: 2, y: 3 }, "it stays there");
    points.reserve().unwrap().write(Point { x: 4, y: 5 }).unwrap();
    assert_eq!(points.get_with(|point| point.y).unwrap(), 5);
}

#[test]
fn numbers_are_what_they_are_by_either_way() {
    let numbers = Queue::<u64>::new().unwrap();
    numbers.put(1).unwrap();
    numbers.reserve().unwrap().write(2).unwrap();
    assert_eq!(numbers.get_with(|number| *number).unwrap(), 1);
    assert_eq!(numbers.get().unwrap(), 2);
}

#[test]
fn room_that_is_not_used_is_nothing() {
    let lines = Queue::<Vec<u8>>::bounded(1).unwrap();
    for len in [0, 10, 100_000] {
        let mut room = lines.reserve_bytes(len).unwrap();
        room.fill(9);
        drop(room);
        assert!(lines.is_empty());
        assert!(lines.try_get().is_err());
    }
    lines.put_bytes(b"x").unwrap();
    assert_eq!(lines.get().unwrap(), b"x");
}

/// Nobody else puts anything before it is committed.
#[test]
fn whoever_has_room_comes_first() {
    let numbers = Queue::<u64>::new().unwrap();
    thread::scope(|scope| {
        let room = numbers.reserve().unwrap();
        let other = scope.spawn(|| numbers.put(2));
        thread::sleep(crate::support::A_WHILE);
        assert!(!other.is_finished());
        room.write(1).unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!(numbers.get_many(2).unwrap(), [1, 2]);
}

#[test]
fn an_item_whose_reader_panics_is_taken() {
    let numbers = Queue::<u64>::new().unwrap();
    numbers.put_many([1, 2]).unwrap();
    let panics = catch_unwind(AssertUnwindSafe(|| numbers.get_with(|_| panic!("in the middle"))));
    assert!(panics.is_err());
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers.get().unwrap(), 2);
}

/// Its memory is not given to others as long as it is read, however much they put.
#[test]
fn what_is_read_in_place_is_not_overwritten() {
    let lines = Queue::<Vec<u8>>::new().unwrap();
    for round in 0..20_u8 {
        lines.put(vec![round; 30_000]).unwrap();
        let read = lines.get_bytes_with(|line| {
            thread::scope(|scope| {
                let putting =
                    scope.spawn(|| (0..20).for_each(|_| lines.put_bytes(&[99; 9_000]).unwrap()));
                putting.join().unwrap();
            });
            line.iter().all(|byte| *byte == round)
        });
        assert!(read.unwrap());
        assert_eq!(lines.get_many(20).unwrap().len(), 20);
    }
}

/// Of no size at all.
#[test]
fn nothing_in_place() {
    let nothings = Queue::<()>::bounded(2).unwrap();
    nothings.reserve().unwrap().write(()).unwrap();
    nothings.put(()).unwrap();
    assert!(nothings.try_put(()).is_err());
    nothings.get_with(|()| ()).unwrap();
    nothings.get().unwrap();
    assert!(nothings.is_empty());
}

#[test]
fn large_room_is_real() {
    let frames = Queue::<[u64; 1 << 13]>::new().unwrap();
    for round in 0..5_u64 {
        let mut room = frames.reserve().unwrap();
        MaybeUninit::write(&mut room, [round; 1 << 13]);
        // SAFETY: it has been written.
        #[allow(unsafe_code, reason = "so it is done")]
        unsafe { room.commit() }.unwrap();
    }
    for round in 0..5 {
        assert!(frames.get_with(|frame| frame.iter().all(|it| *it == round)).unwrap());
    }
}
