//! Arguments: by value, lent, generic, taken apart by a pattern, many.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use offspring::{Message, Shared, message, process};

#[process]
fn by_value(
    n: u64,
    text: String,
    list: Vec<Option<(char, f64)>>,
    map: BTreeMap<String, u8>,
) -> String {
    format!("{n} {text} {list:?} {map:?}")
}

#[test]
fn values_are_copied() {
    let list = vec![Some(('a', 1.5)), None];
    let map = BTreeMap::from([("k".to_owned(), 1)]);
    let plain = by_value(7, "text".into(), list.clone(), map.clone());
    assert_eq!(plain, r#"7 text [Some(('a', 1.5)), None] {"k": 1}"#);
    assert_eq!(by_value::spawn(7, "text".into(), list, map).unwrap().join().unwrap(), plain);
}

#[process]
fn lent(
    text: &str,
    bytes: &[u8],
    words: &[String],
    path: &Path,
    owned: &PathBuf,
    n: &u32,
) -> String {
    format!("{text} {bytes:?} {words:?} {path:?} {owned:?} {n}")
}

#[test]
fn what_is_lent_becomes_the_childs_own() {
    let (words, owned) = (["a".to_owned(), "b".to_owned()], PathBuf::from("/o"));
    let plain = lent("t", &[1, 2], &words, Path::new("/p"), &owned, &3);
    let child = lent::spawn("t", &[1, 2], &words, Path::new("/p"), &owned, &3).unwrap();
    assert_eq!(child.join().unwrap(), plain);
}

#[process]
fn with_lifetimes<'a, 'b, T>(text: &'a str, bytes: &'b [u8], value: &'a T) -> usize
where
    T: Message + 'a,
    'b: 'a,
{
    let _ = value;
    text.len() + bytes.len()
}

#[test]
fn lifetimes_end_at_the_border() {
    let text = String::from("abc");
    assert_eq!(with_lifetimes(&text, &[1], &0_u8), 4);
    assert_eq!(with_lifetimes::spawn(&text, &[1], &0_u8).unwrap().join().unwrap(), 4);
}

#[process]
fn patterns(
    (a, b): (u32, u32),
    _: u32,
    mut c: u32,
    &d: &u32,
    [e, ..]: [u32; 3],
    f @ 0..: u32,
) -> u32 {
    c += a * 10_000 + b * 1_000 + d * 10 + e;
    c + f
}

#[test]
fn patterns_take_arguments_apart() {
    assert_eq!(patterns((1, 2), 99, 300, &4, [5, 6, 7], 0), 12_345);
    let child = patterns::spawn((1, 2), 99, 300, &4, [5, 6, 7], 0).unwrap();
    assert_eq!(child.join().unwrap(), 12_345);
}

#[process]
fn largest<T: Message + Ord>(of: Vec<T>) -> Option<T> {
    of.into_iter().max()
}

#[process]
fn shown<T, const N: usize>(values: [T; N], unit: &T) -> (String, usize)
where
    T: Message + Debug,
    [T; N]: Message,
{
    (format!("{values:?} {unit:?}"), N)
}

#[test]
fn generic_functions_are_as_many_processes_as_they_are_used_for() {
    assert_eq!(largest::spawn(vec![3, 9, 4]).unwrap().join().unwrap(), Some(9));
    let words = vec!["b".to_owned(), "c".to_owned(), "a".to_owned()];
    assert_eq!(largest::spawn(words).unwrap().join().unwrap(), Some("c".to_owned()));
    let child = shown::spawn::<u16, 2>([1, 2], &3).unwrap();
    assert_eq!(child.join().unwrap(), ("[1, 2] 3".to_owned(), 2));
}

#[process]
fn own_name(own_name: u32, pack: u32, input: &u32, value_0: u32, task: u32, spawn: &str) -> u32 {
    own_name + pack + input + value_0 + task + u32::try_from(spawn.len()).unwrap()
}

#[test]
fn arguments_may_be_called_anything() {
    assert_eq!(own_name::spawn(1, 2, &3, 4, 5, "sixsix").unwrap().join().unwrap(), 21);
}

#[process]
fn raw_names(r#type: u32, r#fn: &u32) -> u32 {
    r#type + r#fn
}

#[process]
fn r#match(n: u32) -> u32 {
    n + 1
}

#[test]
fn raw_names_are_names() {
    assert_eq!(raw_names::spawn(1, &2).unwrap().join().unwrap(), 3);
    assert_eq!(r#match::spawn(1).unwrap().join().unwrap(), 2);
}

#[process]
fn borrowed_for_ever(text: Cow<'static, str>) -> Cow<'static, str> {
    (text.into_owned() + "!").into()
}

#[test]
fn static_lifetimes_inside_values_do_no_harm() {
    assert_eq!(borrowed_for_ever::spawn("hi".into()).unwrap().join().unwrap(), "hi!");
}

#[message]
#[derive(Debug, Clone, PartialEq)]
enum Shape<T> {
    Empty,
    Circle { radius: T },
    Pair(T, Box<Shape<T>>),
}

#[process]
fn doubled(shape: Shape<u32>) -> Shape<u32> {
    match shape {
        Shape::Empty => Shape::Empty,
        Shape::Circle { radius } => Shape::Circle { radius: radius * 2 },
        Shape::Pair(first, rest) => Shape::Pair(first * 2, Box::new(doubled(*rest))),
    }
}

#[test]
fn messages_need_no_serde_in_the_manifest() {
    let shape = Shape::Pair(1, Box::new(Shape::Circle { radius: 2 }));
    let expected = Shape::Pair(2, Box::new(Shape::Circle { radius: 4 }));
    assert_eq!(doubled::spawn(shape).unwrap().join().unwrap(), expected);
    assert_eq!(doubled::spawn(Shape::Empty).unwrap().join().unwrap(), Shape::Empty);
}

#[process]
fn through_a_handle(numbers: &Shared<[u32]>, also: Shared<u64>, waited: Duration) -> u64 {
    numbers.iter().map(|&n| u64::from(n)).sum::<u64>() + *also + waited.as_secs()
}

#[test]
fn handles_travel_lent_and_by_value() {
    let numbers = Shared::from_fn(3, |at| u32::try_from(at).unwrap()).unwrap();
    let also = Shared::new(10_u64).unwrap();
    let child = through_a_handle::spawn(&numbers, also.clone(), Duration::from_secs(100)).unwrap();
    assert_eq!(child.join().unwrap(), 113);
    assert_eq!((numbers.len(), *also), (3, 10));
}
