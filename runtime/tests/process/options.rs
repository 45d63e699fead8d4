//! Every option of a task does what it says, to the task alone.

use std::fs;
use std::hint::black_box;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use offspring::{Error, JoinError, Shared, Signal, Stdio, process};

use crate::support::{contents, echo, own_children, sleep, state};

/// What `ps` shows: the thread's name and the command line.
#[process]
fn shown() -> (String, String, String) {
    // What is too long is cut, in the middle of a letter perhaps.
    let read = |what: &str| {
        String::from_utf8_lossy(&fs::read(format!("/proc/self/{what}")).unwrap()).into_owned()
    };
    let line = read("cmdline").trim_end_matches('\0').to_owned();
    (read("comm").trim_end().to_owned(), line, process::current().name)
}

#[process(name = "always so", nice = 7, start = "spawn", timeout = "50s", memory = "900MiB")]
fn with_options() -> (String, String, u64) {
    (process::current().name, niceness(), memory_limit())
}

#[process]
fn how_nice() -> String {
    niceness()
}

fn niceness() -> String {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Field 19, counted after the name, which may hold anything.
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().to_owned()
}

fn memory_limit() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

#[process]
fn busy() {
    loop {
        black_box(0);
    }
}

#[process]
fn hidden() {
    nix::sys::signal::SigSet::all().thread_set_mask().unwrap();
    sleep();
}

#[process]
fn fill(bytes: usize) -> usize {
    black_box(vec![1u8; bytes]).len()
}

#[process]
fn variable(key: &str) -> Option<String> {
    std::env::var(key).ok()
}

#[process]
fn directory() -> io::Result<std::path::PathBuf> {
    std::env::current_dir()
}

#[process]
fn copy() -> io::Result<usize> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    print!("out: {text}");
    eprint!("err: {text}");
    Ok(text.len())
}

#[process]
fn fail_until(tries: &Shared<AtomicU32>, enough: u32, how: u32) -> u32 {
    let before = tries.fetch_add(1, SeqCst);
    match how {
        _ if before >= enough => before,
        0 => panic!("not yet"),
        1 => std::process::exit(0),
        _ => std::process::abort(),
    }
}

#[process(retry = 2)]
fn fail_twice(tries: &Shared<AtomicU32>) -> u32 {
    fail_until(tries, 2, 0)
}

#[process]
fn refuse(tries: &Shared<AtomicU32>) -> Result<(), String> {
    tries.fetch_add(1, SeqCst);
    Err("no".to_owned())
}

fn counter() -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(0)).unwrap()
}

under_each_method! {
    fn the_name_is_shown() {
        let process = shown::task().name("busy bee").spawn().unwrap();
        assert_eq!(process.name(), "busy bee");
        let name = || "busy bee".to_owned();
        assert_eq!(process.join().unwrap(), (name(), name(), name()));
    }

    fn a_name_of_any_length_and_alphabet() {
        let long = "ü".repeat(300);
        let (comm, line, own) = shown::task().name(long.clone()).spawn().unwrap().join().unwrap();
        assert_eq!(own, long);
        assert!(comm.starts_with("üüüüüüü") && line.starts_with("üüüü"), "{comm} {line}");
        assert_eq!(shown::task().name("").spawn().unwrap().join().unwrap().2, "");
    }

    fn names_are_numbered() {
        let names: Vec<_> = (0..3).map(|_| shown::spawn().unwrap().join().unwrap().2).collect();
        assert_eq!(names, ["shown-1", "shown-2", "shown-3"]);
    }

    fn the_attributes_options() {
        let given = with_options::spawn().unwrap().join().unwrap();
        assert_eq!(given, ("always so".to_owned(), "7".to_owned(), 900 << 20));
    }

    fn a_timeout_kills_whatever_the_task_does() {
        let limit = Duration::from_millis(30);
        for task in [busy::task(), hidden::task(), sleep::task()] {
            let process = task.timeout(limit).spawn().unwrap();
            assert_eq!(process.wait().unwrap().signal(), Some(Signal::SIGKILL));
            assert!(matches!(process.join(), Err(JoinError::TimedOut(at)) if at == limit));
        }
        // One that comes too late changes nothing.
        let patient = echo::task(3).timeout(Duration::MAX);
        assert_eq!(patient.spawn().unwrap().join().unwrap(), 3);
        assert_eq!(echo::task(3).timeout(Duration::from_secs(3600)).spawn().unwrap().join().unwrap(), 3);
    }

    fn a_memory_limit_is_the_childs_alone() {
        match fill::task(512 << 20).memory_limit(128 << 20).spawn().unwrap().join() {
            Err(JoinError::Signaled(signal)) => assert_eq!(signal.number(), 6),
            other => panic!("{other:?}"),
        }
        assert_eq!(fill::task(16 << 20).memory_limit(128 << 20).spawn().unwrap().join().unwrap(), 16 << 20);
        assert_eq!(fill::spawn(512 << 20).unwrap().join().unwrap(), 512 << 20);
        assert_eq!(fill(256 << 20), 256 << 20);
    }

    fn niceness_is_the_childs_alone() {
        let before = niceness();
        assert_eq!(how_nice::task().nice(11).spawn().unwrap().join().unwrap(), "11");
        assert_eq!(how_nice::spawn().unwrap().join().unwrap(), before);
    }

    fn the_environment_is_the_childs_alone() {
        let with = |key: &str| variable::task(key).env("OFFSPRING_TEST", "a=b c").env("PATH", "");
        assert_eq!(with("OFFSPRING_TEST").spawn().unwrap().join().unwrap().as_deref(), Some("a=b c"));
        assert_eq!(with("PATH").spawn().unwrap().join().unwrap().as_deref(), Some(""));
        assert_eq!(with("HOME").spawn().unwrap().join().unwrap(), std::env::var("HOME").ok());
        assert_eq!(variable::spawn("OFFSPRING_TEST").unwrap().join().unwrap(), None);
    }

    fn an_impossible_variable_is_an_error_and_no_process() {
        for (key, value) in [("", "x"), ("A=B", "x"), ("=A", "x"), ("A\0", "x"), ("A", "x\0y")] {
            match variable::task("A").env(key, value).spawn() {
                Err(Error::Encode { name, .. }) => assert!(name.contains("environment"), "{name}"),
                other => panic!("{key:?} = {value:?}: {other:?}"),
            }
        }
        assert!(own_children().is_empty());
        let fine = variable::task("A").env("A", "=x=").spawn().unwrap();
        assert_eq!(fine.join().unwrap().as_deref(), Some("=x="));
    }

    fn the_working_directory_is_the_childs_alone() {
        let before = std::env::current_dir().unwrap();
        let place = tempfile::tempdir().unwrap();
        let wanted = place.path().canonicalize().unwrap();
        let given = directory::task().current_dir(place.path()).spawn().unwrap().join().unwrap();
        assert_eq!(given.unwrap(), wanted);
        assert_eq!(directory::spawn().unwrap().join().unwrap().unwrap(), before);
        assert_eq!(std::env::current_dir().unwrap(), before);
    }

    fn a_missing_working_directory_is_an_error_and_no_process() {
        echo::spawn(0).unwrap().join().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for (path, kind) in [
            (std::path::Path::new("/no/such/place"), io::ErrorKind::NotFound),
            (file.path(), io::ErrorKind::NotADirectory),
        ] {
            match directory::task().current_dir(path).spawn() {
                Err(Error::System { action, source }) => {
                    assert!(action.contains("directory"), "{action}");
                    assert_eq!(source.kind(), kind);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(process::active_children().is_empty());
        assert!(own_children().into_iter().all(|pid| state(pid) != Some('Z')));
    }

    fn streams_lead_where_they_are_told_to() {
        let mut input = tempfile::tempfile().unwrap();
        input.write_all(b"hello").unwrap();
        input.rewind().unwrap();
        let (output, errors) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let process = copy::task()
            .stdin(input)
            .stdout(output.try_clone().unwrap())
            .stderr(errors.try_clone().unwrap())
            .spawn()
            .unwrap();
        assert_eq!(process.join().unwrap().unwrap(), 5);
        assert_eq!((contents(output).as_str(), contents(errors).as_str()), ("out: hello", "err: hello"));
    }

    fn a_pipe_ends_with_the_child() {
        let (mut drain, output) = io::pipe().unwrap();
        let process = copy::task().stdout(output).stderr(Stdio::null()).spawn().unwrap();
        let mut text = String::new();
        drain.read_to_string(&mut text).unwrap();
        assert_eq!(text, "out: ");
        assert_eq!(process.join().unwrap().unwrap(), 0);
    }

    fn input_is_empty_unless_told_otherwise() {
        let quiet = || copy::task().stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(quiet().spawn().unwrap().join().unwrap().unwrap(), 0);
        assert_eq!(quiet().stdin(Stdio::null()).spawn().unwrap().join().unwrap().unwrap(), 0);
    }

    fn a_retried_task_succeeds_in_the_end() {
        for how in 0..3 {
            let tries = counter();
            let process = fail_until::task(&tries, 2, how).retry(4).spawn().unwrap();
            assert_eq!(process.join().unwrap(), 2);
            assert_eq!(tries.load(SeqCst), 3);
        }
        let tries = counter();
        assert_eq!(fail_twice::spawn(&tries).unwrap().join().unwrap(), 2);
    }

    fn retries_are_counted() {
        let tries = counter();
        let ended = fail_until::task(&tries, 99, 0).retry(2).spawn().unwrap().join();
        assert!(matches!(ended, Err(JoinError::Panicked(panic)) if panic.message == "not yet"));
        assert_eq!(tries.load(SeqCst), 3);
    }

    /// What a task returns is no reason to run it again, an `Err` neither.
    fn a_result_is_not_retried() {
        let tries = counter();
        let ended = refuse::task(&tries).retry(5).spawn().unwrap().join();
        assert_eq!(ended.unwrap(), Err("no".to_owned()));
        assert_eq!(tries.load(SeqCst), 1);
    }

    fn a_killed_task_is_not_retried() {
        let process = sleep::task().retry(5).spawn().unwrap();
        process.kill().unwrap();
        assert!(matches!(process.join(), Err(JoinError::Signaled(Signal::SIGKILL))));
        assert!(process::active_children().is_empty());
    }
}
