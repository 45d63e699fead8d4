//! Nothing of a program's `main` runs twice, its preload functions once; its arguments reach all.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::ExitCode;

use offspring::{Error, StartMethod, preload, process};

use crate::runner::{Case, Program, command, start};

const LOG: &str = "OFFSPRING_LOG";
const PRELOAD: &str = "OFFSPRING_PRELOAD";

fn log(line: &str) {
    let Some(path) = std::env::var_os(LOG) else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}

#[preload]
fn prepare() {
    match std::env::var(PRELOAD).as_deref() {
        Ok("panics") => panic!("nothing to prepare with"),
        Ok("prints") => print!("[prepared]"),
        _ => log("preload"),
    }
}

#[process]
fn child(depth: u32) -> u32 {
    log("child");
    if depth == 0 { 0 } else { 1 + child::spawn(depth - 1).unwrap().join().unwrap() }
}

#[process]
fn arguments() -> Vec<Vec<u8>> {
    std::env::args_os().map(OsString::into_vec).collect()
}

fn spawns() -> ExitCode {
    log("main");
    for _ in 0..3 {
        assert_eq!(child::spawn(1).unwrap().join().unwrap(), 1);
    }
    ExitCode::SUCCESS
}

fn spawns_in_vain() -> ExitCode {
    match child::spawn(0) {
        Err(Error::Preload { reason }) => println!("{reason}"),
        Err(other) => println!("{other:?}"),
        Ok(process) => println!("{:?}", process.join()),
    }
    ExitCode::SUCCESS
}

fn prints_from_children() -> ExitCode {
    for _ in 0..3 {
        child::spawn(0).unwrap().join().unwrap();
    }
    ExitCode::SUCCESS
}

fn compares_arguments() -> ExitCode {
    let mine: Vec<_> = std::env::args_os().map(OsString::into_vec).collect();
    assert_eq!(arguments::spawn().unwrap().join().unwrap(), mine);
    assert!(mine.len() == 5001 && mine[5000] == [0xff, b'5']);
    ExitCode::SUCCESS
}

pub(crate) const PROGRAMS: &[Program] = &[
    ("spawns", spawns),
    ("spawns_in_vain", spawns_in_vain),
    ("prints_from_children", prints_from_children),
    ("compares_arguments", compares_arguments),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("once::main_runs_once_and_preload_once_in_each_server", main_runs_once),
        ("once::a_preload_that_panics_is_a_typed_error", |method| {
            let mut command = command("spawns_in_vain", method);
            command.env(PRELOAD, "panics");
            let ended = start(command).ended();
            assert_eq!((ended.code, ended.survivors), (Some(0), 0), "{ended:#?}");
            if method == StartMethod::ForkServer {
                assert!(ended.output.contains("prepare: nothing to prepare with"), "{ended:#?}");
            } else {
                assert_eq!(ended.output, "Ok(0)\n", "{ended:#?}");
            }
        }),
        ("once::what_a_preload_prints_is_printed_once", |method| {
            let mut command = command("prints_from_children", method);
            command.env(PRELOAD, "prints");
            let expected = if method == StartMethod::ForkServer { "[prepared]" } else { "" };
            start(command).ended().assert_clean(0, expected);
        }),
        ("once::thousands_of_arguments_reach_a_child", |method| {
            let mut command = command("compares_arguments", method);
            command.args((0..4999).map(|n| format!("--argument-{n}")));
            command.arg(std::ffi::OsStr::from_bytes(&[0xff, b'5']));
            start(command).ended().assert_clean(0, "");
        }),
    ]
}

fn main_runs_once(method: StartMethod) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log");
    let mut command = command("spawns", method);
    command.env(LOG, &path);
    start(command).ended().assert_clean(0, "");
    let log = std::fs::read_to_string(path).unwrap();
    let count = |what: &str| log.lines().filter(|line| *line == what).count();
    assert_eq!((count("main"), count("child")), (1, 6), "{log}");
    // The program's server, and that of each child that has a child.
    let servers = if method == StartMethod::ForkServer { 1 + 3 } else { 0 };
    assert_eq!(count("preload"), servers, "{log}");
}
