//! What a family prints: all of it, nothing twice, whatever has become of the streams.

use std::io::{self, Write as _};
use std::process::ExitCode;

use offspring::{JoinError, StartMethod, process};

use crate::runner::{Case, Program, run};

#[process]
fn say(text: &str) -> usize {
    print!("{text}");
    text.len()
}

#[process]
fn say_and_exit(text: &str) {
    print!("{text}");
    std::process::exit(3);
}

#[process]
fn say_and_panic(text: &str) {
    print!("{text}");
    panic!("after {text}");
}

#[process]
fn say_in_a_child(text: &str) -> usize {
    print!("<");
    let len = say::spawn(text).unwrap().join().unwrap();
    print!(">");
    len
}

#[process]
fn read() -> io::Result<usize> {
    io::copy(&mut io::stdin(), &mut io::sink()).map(|len| len as usize)
}

#[process]
fn open_numbers() -> Vec<u32> {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut low: Vec<u32> = all
        .filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&number| number < 3)
        .collect();
    low.sort_unstable();
    low
}

fn writes_half_a_line() -> ExitCode {
    print!("half");
    say::spawn("child\n").unwrap().join().unwrap();
    say::spawn("child\n").unwrap().join().unwrap();
    println!("done");
    ExitCode::SUCCESS
}

fn has_talkative_children() -> ExitCode {
    say::spawn("returned ").unwrap().join().unwrap();
    say_and_exit::spawn("exited ").unwrap().join().unwrap_err();
    say_and_panic::task("panicked ")
        .stderr(offspring::Stdio::null())
        .spawn()
        .unwrap()
        .join()
        .unwrap_err();
    say_in_a_child::spawn("nested").unwrap().join().unwrap();
    ExitCode::SUCCESS
}

/// The exit code is all that such a program can say.
fn closes_its_streams() -> ExitCode {
    let _ = io::stdout().flush();
    for stream in 0..3 {
        nix::unistd::close(stream).unwrap();
    }
    // Each a bit, so that the code says what went wrong.
    let ended_well = [
        say::spawn("lost\n").unwrap().join().is_ok(),
        say_in_a_child::spawn("lost\n").unwrap().join().is_ok(),
        matches!(read::spawn().unwrap().join(), Ok(Ok(0))),
        open_numbers::spawn().unwrap().join().is_ok_and(|low| low == [0, 1, 2]),
        matches!(say_and_panic::spawn("lost").unwrap().join(), Err(JoinError::Panicked(_))),
        // The directory itself is read through the first number that is free.
        open_numbers() == [0],
    ];
    ExitCode::from(ended_well.iter().fold(0, |code, well| code * 2 + u8::from(*well)))
}

fn talks_into_a_broken_pipe() -> ExitCode {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let quiet = say::task("buffered").stdout(writer.try_clone().unwrap());
    assert_eq!(quiet.spawn().unwrap().join().unwrap(), 8);
    // Written at once, it is the task's own error, as in any Rust program: SIGPIPE is ignored.
    let loud = say::task("a line\n").stdout(writer).stderr(offspring::Stdio::null());
    let error = loud.spawn().unwrap().join().unwrap_err();
    assert!(error.to_string().contains("Broken pipe"), "{error}");
    ExitCode::SUCCESS
}

pub(crate) const PROGRAMS: &[Program] = &[
    ("writes_half_a_line", writes_half_a_line),
    ("has_talkative_children", has_talkative_children),
    ("closes_its_streams", closes_its_streams),
    ("talks_into_a_broken_pipe", talks_into_a_broken_pipe),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("streams::half_a_line_is_written_once", |method| {
            let ended = run("writes_half_a_line", method);
            assert_eq!((ended.code, &*ended.errors), (Some(0), ""), "{ended:#?}");
            for (what, times) in [("half", 1), ("child\n", 2), ("done\n", 1)] {
                assert_eq!(ended.output.matches(what).count(), times, "{ended:#?}");
            }
            assert_eq!(ended.output.len(), "halfchild\nchild\ndone\n".len(), "{ended:#?}");
        }),
        ("streams::what_a_child_has_printed_is_flushed", |method| {
            let ended = run("has_talkative_children", method);
            // A forked child's parent has written out before what it had begun.
            let expected = match method {
                StartMethod::Fork => "returned exited panicked <nested>",
                _ => "returned exited panicked nested<>",
            };
            ended.assert_clean(0, expected);
        }),
        ("streams::closed_streams_are_survived", |method| {
            run("closes_its_streams", method).assert_clean(0b11_1111, "");
        }),
        ("streams::broken_streams_are_survived", |method| {
            run("talks_into_a_broken_pipe", method).assert_clean(0, "");
        }),
    ]
}
