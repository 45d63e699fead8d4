//! `deaths`: each end with what the parent learns of it. The example itself asserts the types.

use crate::program::lines_of;

#[test]
fn deaths_tells_every_end_apart() {
    let lines = lines_of("deaths");
    let learned = |name: &str| {
        let line = lines.iter().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {lines:#?}")).as_str()
    };
    let expected = [
        ("returns", "42"),
        ("fails", "NotFound"),
        ("panics", "attempt to divide by zero"),
        ("exits", "exit code 3"),
        ("aborts", "SIGABRT"),
        ("overflows", "SIG"),
        ("swallows", "SIG"),
        ("sleeps", "timeout"),
        ("killed", "killed by SIGKILL"),
    ];
    for (name, cause) in expected {
        assert!(learned(name).contains(cause), "{name}: {}", learned(name));
    }
}
