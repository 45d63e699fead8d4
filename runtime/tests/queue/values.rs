//! What an item may be: anything that can be sent, of any size.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use offspring::{Message, Queue, message, process};

#[message]
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Nothing,
    Circle { radius: f64, label: Option<String> },
    Group(Vec<Shape>, BTreeMap<String, Box<Shape>>),
}

fn group(depth: usize) -> Shape {
    if depth == 0 {
        return Shape::Nothing;
    }
    let circle = Shape::Circle { radius: depth as f64 / 3.0, label: Some("ü".repeat(depth)) };
    let inner = [("inner".to_owned(), Box::new(group(depth - 1)))];
    Shape::Group(vec![circle, Shape::Nothing], inner.into())
}

#[message]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit;

/// As they are, one and many at a time, among others.
#[track_caller]
fn comes_back<T: Message + Clone + PartialEq + Debug>(items: &[T]) {
    let queue = Queue::new().unwrap();
    queue.put_many(items.to_vec()).unwrap();
    items.iter().for_each(|item| queue.put(item.clone()).unwrap());
    assert_eq!(queue.len(), 2 * items.len());
    for item in items {
        assert_eq!(queue.get().unwrap(), *item);
    }
    assert_eq!(queue.get_many(items.len() + 1).unwrap(), items);
    assert!(queue.is_empty());
}

#[test]
fn numbers() {
    comes_back(&[0_u8, 255]);
    comes_back(&[-1_i8, 1]);
    comes_back(&[u16::MAX, 3]);
    comes_back(&[i32::MIN, 0, 7]);
    comes_back(&[u64::MAX, 0]);
    comes_back(&[i128::MIN, i128::MAX]);
    comes_back(&[usize::MAX]);
    comes_back(&[1.5_f32, f32::MIN_POSITIVE]);
    comes_back(&[f64::INFINITY, -0.0]);
    comes_back(&[true, false]);
    comes_back(&['x', '\u{10ffff}']);
}

#[test]
fn texts_and_vectors() {
    comes_back(&[String::new(), "ein Wörtchen".to_owned(), "x".repeat(100_000)]);
    comes_back(&[vec![], vec![0_u8], vec![9; 65_535], vec![8; 65_536], vec![7; 65_537]]);
    comes_back(&[vec![], vec![1_u64, u64::MAX], vec![3; 30_000]]);
    comes_back(&[vec![f64::MAX, 0.1], vec![]]);
    comes_back(&[vec![], vec!["a".to_owned(), String::new()]]);
    comes_back(&[vec![vec![1_u32, 2], vec![]], vec![]]);
    comes_back(&[Some("x".to_owned()), None]);
    comes_back(&[Ok(3_u8), Err("no".to_owned())]);
}

#[test]
fn messages() {
    comes_back(&[group(0), group(1), group(5), group(60)]);
    comes_back(&[(1_u8, "two".to_owned(), Duration::from_nanos(3), [4_u64; 5])]);
}

#[test]
fn things_without_size() {
    comes_back(&[(); 100]);
    comes_back(&[Unit; 3]);
    comes_back(&[[0_u64; 0]; 2]);
}

/// Of every length about which memory is divided, among one another.
#[test]
fn every_length() {
    let queue = Queue::new().unwrap();
    for base in [0_usize, 8, 64, 4096, 65_536] {
        for len in base.saturating_sub(20)..base + 20 {
            let item: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
            queue.put(item).unwrap();
            if len % 3 == 0 {
                let item = queue.get().unwrap();
                assert!(
                    item.iter().enumerate().all(|(at, byte)| *byte == (at * 7 + item.len()) as u8)
                );
            }
        }
    }
    while let Ok(item) = queue.try_get() {
        assert!(item.iter().enumerate().all(|(at, byte)| *byte == (at * 7 + item.len()) as u8));
    }
}

/// A large one, encoded where it lies, with what it takes in words of any size.
#[message]
#[derive(Debug, Clone, PartialEq)]
struct Large {
    name: String,
    numbers: Vec<u64>,
    texts: Vec<String>,
}

fn large(len: usize) -> Large {
    let texts = (0..len / 100).map(|number| number.to_string()).collect();
    Large { name: "large".to_owned(), numbers: (0..len as u64 / 8).collect(), texts }
}

#[process]
fn echo(there: &Queue<Large>, back: &Queue<Large>) {
    there.iter().for_each(|item| back.put(item).unwrap());
}

/// Says how many bytes came, and whether all are as they must be.
#[process]
fn look_at(items: &Queue<Vec<u8>>) -> (usize, bool) {
    let item = items.get().unwrap();
    (item.len(), item.iter().all(|byte| *byte == 0x5a))
}

#[process]
fn send(items: &Queue<Vec<u8>>, len: usize) {
    items.put(vec![0x5a; len]).unwrap();
}

#[process]
fn echo_shapes(there: &Queue<Shape>, back: &Queue<Shape>) {
    there.iter().for_each(|item| back.put(item).unwrap());
}

under_each_method! {
    fn messages_between_processes() {
        let [there, back] = [Queue::bounded(3).unwrap(), Queue::new().unwrap()];
        let child = echo_shapes::spawn(&there, &back).unwrap();
        let shapes: Vec<_> = (0..200).map(|number| group(number % 7)).collect();
        there.put_many(shapes.clone()).unwrap();
        there.close();
        child.join().unwrap();
        assert_eq!(back.get_many(1000).unwrap(), shapes);
    }

    fn large_messages_between_processes() {
        let [there, back] = [(); 2].map(|()| Queue::new().unwrap());
        let child = echo::spawn(&there, &back).unwrap();
        for len in [60_000, 70_000, 1 << 20, 16 << 20] {
            there.put(large(len)).unwrap();
            assert!(back.get().unwrap() == large(len));
        }
        there.close();
        child.join().unwrap();
    }

    fn two_hundred_mebibytes() {
        let items = Queue::new().unwrap();
        let child = look_at::spawn(&items).unwrap();
        items.put(vec![0x5a; 200 << 20]).unwrap();
        assert_eq!(child.join().unwrap(), (200 << 20, true));
    }

    /// It is in shared memory when `put` returns: whoever put it may be long gone.
    fn items_of_those_who_have_ended() {
        let items = Queue::new().unwrap();
        send::spawn(&items, 8 << 20).unwrap().join().unwrap();
        send::spawn(&items, 3).unwrap().join().unwrap();
        assert!(items.get().unwrap() == vec![0x5a; 8 << 20]);
        assert_eq!(items.get().unwrap(), [0x5a; 3]);
    }
}
