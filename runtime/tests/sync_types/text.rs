//! `Text<N>` and `Seq<T, N>`: what fits, what is refused, what is left when somebody dies in the middle of it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use offspring::sync::{LockError, Mutex};
use offspring::{Error, Full, JoinError, Seq, Shareable, Shared, Text, message, process, shared};

#[test]
fn text_holds_what_fits_and_refuses_the_rest_whole() {
    let mut text = Text::<8>::new();
    assert!(text.is_empty());
    text.push_str("über").unwrap();
    assert_eq!((text.len(), text.capacity(), &*text), (5, 8, "über"));
    assert_eq!(text.push_str("mut!"), Err(Full(())));
    assert_eq!(text, "über");
    text.push_str("mut").unwrap();
    assert_eq!(text.push('!'), Err(Full('!')));
    assert_eq!(text, "übermut");
    assert_eq!(text.pop(), Some('t'));
    assert_eq!(Text::<4>::try_from("five!"), Err(Full(())));
    assert_eq!("four".parse::<Text<4>>().unwrap(), "four");
    assert_eq!(Text::<0>::try_from("").unwrap(), "");
}

#[test]
fn text_is_shortened_at_characters_only() {
    let mut text = Text::<16>::try_from("aüb").unwrap();
    text.truncate(9);
    assert_eq!(text, "aüb");
    text.truncate(2);
    assert_eq!(text, "a");
    text.clear();
    assert_eq!((text.pop(), text.len()), (None, 0));
}

#[test]
fn text_looks_and_compares_like_str() {
    let text = Text::<16>::try_from("say \"hi\"").unwrap();
    assert_eq!(format!("{text}|{text:?}|{text:>10}"), "say \"hi\"|\"say \\\"hi\\\"\"|  say \"hi\"");
    assert_eq!(text, Text::<32>::try_from("say \"hi\"").unwrap());
    let owned = String::from("say \"hi\"");
    assert!(text == owned && "say \"hi\"" == text && *"other" != *text);
    assert!(Text::<4>::try_from("a").unwrap() < Text::try_from("b").unwrap());
    let ages = HashMap::from([(Text::<8>::try_from("ann").unwrap(), 7)]);
    assert_eq!(ages.get("ann"), Some(&7));
    let mut written = Text::<4>::new();
    write!(written, "{}", 4321).unwrap();
    assert!(write!(written, "5").is_err());
    assert_eq!(written, "4321");
}

#[test]
fn seq_holds_what_fits_and_gives_the_rest_back() {
    let mut row = Seq::<u8, 4>::try_from([1, 2]).unwrap();
    row.push(3).unwrap();
    row.insert(0, 0).unwrap();
    assert_eq!(row, [0, 1, 2, 3]);
    assert_eq!((row.push(4), row.insert(1, 9)), (Err(Full(4)), Err(Full(9))));
    assert_eq!(row.extend([5]), Err(Full(5)));
    assert_eq!((row.remove(1), row.swap_remove(0)), (1, 0));
    assert_eq!(row, [3, 2]);
    row.sort_unstable();
    row[0] += 10;
    assert_eq!((row.pop(), row.pop(), row.pop()), (Some(3), Some(12), None));
    assert_eq!(row.extend(1..=9), Err(Full(5)));
    assert_eq!(row.iter().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
    row.truncate(9);
    row.truncate(3);
    assert_eq!(format!("{row:?}"), "[1, 2, 3]");
    for item in &mut row {
        *item *= 2;
    }
    assert_eq!((&row).into_iter().sum::<u8>(), 12);
    row.clear();
    assert!(row.is_empty() && row.capacity() == 4);
    assert_eq!(Seq::<u8, 2>::try_from([1, 2, 3]), Err(Full(3)));
    assert_eq!(Seq::<u8, 2>::try_from(&[1, 2][..]).unwrap(), [1, 2]);
    assert!(Seq::<u8, 2>::try_from_iter(0..2).unwrap() < Seq::try_from([0, 2]).unwrap());
}

#[test]
fn seq_inserts_and_removes_like_vec_at_every_place() {
    for len in 0..5 {
        for at in 0..=len {
            let mut ours = Seq::<u32, 5>::try_from_iter(0..len).unwrap();
            let mut vec: Vec<u32> = (0..len).collect();
            let place = at as usize;
            ours.insert(place, 77).unwrap();
            vec.insert(place, 77);
            assert_eq!(ours, vec[..]);
            assert_eq!((ours.remove(place), &ours[..]), (vec.remove(place), &vec[..]));
        }
    }
}

#[test]
#[should_panic(expected = "cannot remove item 2 of a row of 2")]
fn seq_panics_as_vec_does() {
    Seq::<u8, 4>::try_from([1, 2]).unwrap().remove(2);
}

/// Has no `Copy` and no meaning but what is written in it.
#[shared]
#[derive(Debug, PartialEq, Clone)]
struct Entry {
    name: Text<12>,
    marks: Seq<u16, 3>,
}

impl Entry {
    fn new(name: &str, marks: &[u16]) -> Self {
        Self { name: name.try_into().unwrap(), marks: marks.try_into().unwrap() }
    }
}

#[shared]
static REGISTER: Mutex<Seq<Entry, 4>> = Mutex::new(Seq::new());

#[process]
fn enter(name: &str, marks: &[u16]) {
    REGISTER.lock().unwrap().push(Entry::new(name, marks)).unwrap();
}

#[test]
fn both_are_seen_by_all_processes() {
    enter::spawn("ann", &[1, 2]).unwrap().join().unwrap();
    enter::spawn("bob", &[]).unwrap().join().unwrap();
    let register = REGISTER.lock().unwrap().clone();
    assert_eq!(register, [Entry::new("ann", &[1, 2]), Entry::new("bob", &[])]);
}

#[message]
#[derive(Debug, PartialEq, Clone)]
struct Note {
    to: Text<8>,
    lines: Seq<Text<4>, 2>,
}

#[process]
fn answer(note: &Note, to: Text<8>) -> Note {
    Note { to, lines: Seq::try_from_iter(note.lines.iter().rev().copied()).unwrap() }
}

#[test]
fn both_travel_as_arguments_and_results() {
    let lines = ["a", "b"].map(|line| Text::try_from(line).unwrap());
    let note = Note { to: "ann".parse().unwrap(), lines: lines.try_into().unwrap() };
    let back = answer::spawn(&note, "bob".parse().unwrap()).unwrap().join().unwrap();
    assert_eq!((&*back.to, &*back.lines[0], &*back.lines[1]), ("bob", "b", "a"));
}

#[test]
fn full_becomes_an_error_of_ours() {
    fn fill() -> offspring::Result<Seq<u8, 2>> {
        let mut row = Seq::new();
        row.extend([1, 2, 3])?;
        Ok(row)
    }
    assert!(matches!(fill(), Err(Error::Full)));
    assert_eq!(Full(1).to_string(), "there is no room left for it");
}

#[test]
fn a_seq_of_locks_is_a_lock() {
    const { assert!(<Seq<Mutex<u8>, 2> as Shareable>::LOCKS) };
    const { assert!(!<Seq<u8, 2> as Shareable>::LOCKS) };
    let locks = Shared::new(Seq::<_, 2>::try_from([Mutex::new(1)]).unwrap()).unwrap();
    assert_eq!(locks.iter().map(|lock| *lock.lock().unwrap()).sum::<i32>(), 1);
}

/// Fills and empties the row until it is killed; every item is twice its neighbour in the pair.
#[process]
fn churn(row: &Shared<Mutex<Seq<[u64; 2], 8>>>, text: &Shared<Mutex<Text<24>>>) {
    let mut row = row.lock().unwrap();
    let mut text = text.lock().unwrap();
    for number in 1.. {
        while row.push([number, 2 * number]).is_ok() {}
        row.remove(3);
        row.insert(1, [number, 2 * number]).unwrap();
        row.swap_remove(2);
        while text.push('ü').is_ok() {}
        text.truncate(number as usize % 24);
        row.truncate(number as usize % 8);
    }
}

#[test]
fn a_kill_in_the_middle_leaves_whole_items() {
    let row = Shared::new(Mutex::new(Seq::new())).unwrap();
    let text = Shared::new(Mutex::new(Text::new())).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    for round in 0..40 {
        let child = churn::spawn(&row, &text).unwrap();
        while !(row.is_locked() && text.is_locked()) {
            assert!(Instant::now() < deadline, "the child does not begin");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(37 * round));
        child.kill().unwrap();
        assert!(matches!(child.join(), Err(JoinError::Signaled(_))));
        let Err(LockError::OwnerDied(row)) = row.lock() else { panic!("nobody died") };
        let Err(LockError::OwnerDied(text)) = text.lock() else { panic!("nobody died") };
        assert!(row.iter().all(|pair| pair[1] == 2 * pair[0]), "{row:?}");
        assert!(text.chars().all(|character| character == 'ü'), "{text:?}");
        row.mark_consistent();
        text.mark_consistent();
    }
}
