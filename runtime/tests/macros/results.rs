//! Results: every kind that a function may have.

use std::error::Error;
use std::io;

use offspring::{JoinError, message, process};

#[process]
fn nothing() {}

#[process]
#[expect(clippy::unused_unit, reason = "it is a result like others")]
fn unit() -> () {}

#[process]
fn never(code: i32) -> ! {
    std::process::exit(code)
}

#[process]
fn option(n: u32) -> Option<u32> {
    n.checked_sub(1)
}

#[process]
fn tuple() -> (u8, String, [f32; 2]) {
    (1, "two".to_owned(), [3.0, 4.0])
}

#[test]
fn plain_values_come_back() {
    nothing::spawn().unwrap().join().unwrap();
    unit::spawn().unwrap().join().unwrap();
    assert_eq!(option::spawn(1).unwrap().join().unwrap(), Some(0));
    assert_eq!(option::spawn(0).unwrap().join().unwrap(), None);
    assert_eq!(tuple::spawn().unwrap().join().unwrap(), tuple());
}

#[test]
fn what_never_returns_may_still_end() {
    let end = never::spawn(7).unwrap().join();
    assert!(matches!(end, Err(JoinError::Exited(7))), "{end:?}");
}

#[process]
fn io_error(path: &str) -> io::Result<usize> {
    std::fs::read(path).map(|bytes| bytes.len())
}

#[process]
fn boxed(text: &str) -> Result<i32, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[message]
#[derive(Debug, PartialEq)]
enum Refused {
    TooLarge(u64),
}

#[process]
fn own_error(n: u64) -> Result<(), Refused> {
    if n > 9 { Err(Refused::TooLarge(n)) } else { Ok(()) }
}

#[test]
fn errors_come_back_as_the_types_that_they_are() {
    let missing = io_error::spawn("/nowhere/at/all").unwrap().join().unwrap();
    assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(boxed::spawn("-5").unwrap().join().unwrap().unwrap(), -5);
    let said = boxed::spawn("five").unwrap().join().unwrap().unwrap_err();
    assert_eq!(said.to_string(), "five".parse::<i32>().unwrap_err().to_string());
    assert_eq!(own_error::spawn(3).unwrap().join().unwrap(), Ok(()));
    assert_eq!(own_error::spawn(10).unwrap().join().unwrap(), Err(Refused::TooLarge(10)));
}

#[process]
fn generic_result<T: offspring::Message, E: offspring::Message>(
    value: Option<T>,
    or: E,
) -> Result<T, E> {
    value.ok_or(or)
}

#[test]
fn results_may_be_generic() {
    let good = generic_result::spawn(Some(1_u8), "none".to_owned()).unwrap();
    let bad = generic_result::spawn(None::<u8>, "none".to_owned()).unwrap();
    assert_eq!(good.join().unwrap(), Ok(1));
    assert_eq!(bad.join().unwrap(), Err("none".to_owned()));
}
