//! What a task gives back arrives as it was, whatever it is.

use std::convert::Infallible;
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use offspring::{JoinError, Process, message, process};

#[process]
fn nothing() {}

#[process]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

#[process]
fn read(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

#[process]
fn refuse() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::InvalidData, "line 3: no colon"))
}

#[process]
fn parse(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[process]
fn parse_locally(text: &str) -> Result<u32, Box<dyn Error>> {
    Ok(text.parse()?)
}

#[message]
#[derive(Debug, PartialEq)]
enum Refusal {
    Empty,
    TooLong { by: usize },
}

#[process]
fn check(text: &str) -> Result<char, Refusal> {
    match text.len() {
        0..=4 => text.chars().next().ok_or(Refusal::Empty),
        len => Err(Refusal::TooLong { by: len - 4 }),
    }
}

#[process]
fn half(number: u32) -> Option<u32> {
    number.is_multiple_of(2).then_some(number / 2)
}

#[process]
fn several(number: u64) -> (u64, String, [f32; 3], (), Vec<Option<char>>) {
    (number + 1, number.to_string(), [0.5, -0.0, f32::INFINITY], (), vec![Some('é'), None])
}

#[process]
fn nothing_in_it() -> (String, Vec<u64>, Option<()>) {
    Default::default()
}

#[process]
fn turn_around(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[process]
fn odd_path() -> PathBuf {
    OsString::from_vec(vec![b'a', 0xff]).into()
}

#[process]
fn parse_in_a_child(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    parse::spawn(text)?.join()?
}

under_each_method! {
    fn unit() {
        nothing::spawn().unwrap().join().unwrap();
    }

    fn never() {
        let process: Process<Infallible> = leave::spawn(4).unwrap();
        assert!(matches!(process.join(), Err(JoinError::Exited(4))));
    }

    /// The number of the system's error, or the kind and words of one made by hand.
    fn io_errors() {
        let error = read::spawn(Path::new("/no/such/file")).unwrap().join().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error()), (io::ErrorKind::NotFound, Some(2)));
        let error = refuse::spawn().unwrap().join().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "line 3: no colon");
        let text = read::spawn(Path::new("/proc/self/comm")).unwrap().join().unwrap().unwrap();
        assert!(text.starts_with("read-"), "{text}");
    }

    fn boxed_errors() {
        let local = "many".parse::<u32>().unwrap_err().to_string();
        let error = parse::spawn("many").unwrap().join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), local);
        let error = parse_locally::spawn("many").unwrap().join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), local);
        assert_eq!(parse::spawn("12").unwrap().join().unwrap().unwrap(), 12);
        assert_eq!(parse_locally::spawn("12").unwrap().join().unwrap().unwrap(), 12);
    }

    fn errors_that_are_messages() {
        assert_eq!(check::spawn("").unwrap().join().unwrap(), Err(Refusal::Empty));
        assert_eq!(check::spawn("seventh").unwrap().join().unwrap(), Err(Refusal::TooLong { by: 3 }));
        assert_eq!(check::spawn("ok").unwrap().join().unwrap(), Ok('o'));
    }

    fn errors_passed_on_by_a_child() {
        let local = "many".parse::<u32>().unwrap_err().to_string();
        let error = parse_in_a_child::spawn("many").unwrap().join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), local);
    }

    fn options_and_tuples() {
        assert_eq!(half::spawn(10).unwrap().join().unwrap(), Some(5));
        assert_eq!(half::spawn(11).unwrap().join().unwrap(), None);
        let given = several::spawn(41).unwrap().join().unwrap();
        assert_eq!(given, several(41));
        assert!(given.2[1].is_sign_negative());
    }

    fn empty_values() {
        assert_eq!(nothing_in_it::spawn().unwrap().join().unwrap(), nothing_in_it());
    }

    fn sixty_four_mebibytes_there_and_back() {
        let mut bytes = vec![7; 64 << 20];
        (bytes[0], bytes[1 << 20], bytes[(64 << 20) - 1]) = (1, 2, 3);
        let back = turn_around::spawn(bytes.clone()).unwrap().join().unwrap();
        bytes.reverse();
        assert!(back == bytes);
    }

    /// A child leaves a large result behind and ends, though nobody takes it yet.
    fn a_large_result_waits_for_no_reader() {
        let process = turn_around::spawn(vec![7; 4 << 20]).unwrap();
        assert!(process.wait().unwrap().success());
        assert_eq!(process.join().unwrap().len(), 4 << 20);
    }

    fn a_result_that_cannot_be_encoded_is_lost_with_a_reason() {
        let process = odd_path::spawn().unwrap();
        let name = process.name().to_owned();
        match process.join() {
            Err(JoinError::Lost(reason)) => {
                assert!(reason.contains(&name) && reason.contains("UTF-8"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}
