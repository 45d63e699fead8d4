//! However a task ends, its parent is told how.

#![allow(unsafe_code, reason = "a task that reads where nothing is")]

use std::hint::black_box;
use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::process::{abort, exit};
use std::thread;

use offspring::{JoinError, Panic, Process, Signal, Stdio, process};

use crate::support::{contents, echo, sleep};

const LINE: u32 = line!() + 3;
#[process]
fn refuse(number: u32) -> u32 {
    assert!(number > 5, "{number} is too small");
    number
}

#[process]
fn odd_payload(how: u32) {
    match how {
        0 => panic_any(7u8),
        1 => panic_any("a constant"),
        2 => panic_any("made".to_owned() + " here"),
        _ => resume_unwind(Box::new("not even begun")),
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

#[process]
fn panic_in_a_destructor() {
    let _bomb = Bomb;
}

#[process]
fn panic_while_panicking() {
    let _bomb = Bomb;
    panic!("the fuse burns");
}

#[process]
fn panic_with_an_explosive() {
    panic_any(Bomb);
}

#[process]
fn panic_in_a_thread() -> bool {
    let named = thread::Builder::new().name("helper".to_owned());
    named.spawn(|| panic!("only a thread")).unwrap().join().is_err()
}

#[process]
fn panic_named() {
    let named = thread::Builder::new().name("helper".to_owned());
    resume_unwind(named.spawn(|| panic!("passed on")).unwrap().join().unwrap_err());
}

#[process]
fn catch(times: usize) -> usize {
    (0..times).filter(|at| catch_unwind(|| assert!(*at == usize::MAX, "again")).is_err()).count()
}

#[process]
fn catch_and_panic_twice() {
    catch(3);
    panic_while_panicking();
}

#[process]
fn end(how: &str) {
    match how {
        "abort" => abort(),
        "exit" => exit(0),
        "exit 7" => exit(7),
        "exit 300" => exit(300),
        "segfault" => {
            let nowhere = black_box(std::ptr::without_provenance::<u8>(8));
            // SAFETY: none; the test is what becomes of it.
            black_box(unsafe { nowhere.read_volatile() });
        }
        "overflow" => overflow(1),
        "kill" => {
            nix::sys::signal::raise(nix::sys::signal::SIGKILL).unwrap();
        }
        _ => {}
    }
}

#[allow(unconditional_recursion, reason = "that is the point")]
fn overflow(depth: u64) {
    let ballast = black_box([depth; 512]);
    overflow(depth + 1);
    black_box(ballast);
}

#[process]
fn exit_in_a_thread() {
    let _ = thread::spawn(|| exit(9)).join();
    sleep();
}

#[process]
fn own_hook() {
    std::panic::set_hook(Box::new(|_| eprintln!("my own words")));
    panic!("what it says");
}

/// How a task ended that must have panicked, and what was printed meanwhile.
#[track_caller]
fn panic_of<R: std::fmt::Debug>(task: offspring::Task<R>) -> (Panic, String) {
    let errors = tempfile::tempfile().unwrap();
    let process = task.stderr(errors.try_clone().unwrap()).spawn().unwrap();
    let panic = panicked(process);
    (panic, contents(errors))
}

#[track_caller]
fn panicked<R: std::fmt::Debug>(process: Process<R>) -> Panic {
    let (name, pid) = (process.name().to_owned(), process.pid());
    match process.join() {
        Err(JoinError::Panicked(panic)) => {
            assert_eq!((&*panic.process, panic.pid), (&*name, pid));
            panic
        }
        other => panic!("{other:?}"),
    }
}

/// The signal's number: whether there was a core dump is for the system to decide.
#[track_caller]
fn signal_of(process: Process<()>) -> i32 {
    let status = process.wait().unwrap();
    match process.join() {
        Err(JoinError::Signaled(signal)) => {
            assert_eq!(status.signal().map(Signal::number), Some(signal.number()));
            assert_eq!((status.code(), status.success()), (None, false));
            signal.number()
        }
        other => panic!("{other:?}"),
    }
}

fn quietly(how: &str) -> Process<()> {
    end::task(how).stderr(Stdio::null()).spawn().unwrap()
}

under_each_method! {
    fn a_panic_is_data() {
        let process = refuse::task(3).stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(101));
        let error = process.join().unwrap_err();
        let text = error.to_string();
        let JoinError::Panicked(panic) = error else { panic!("{error:?}") };
        assert_eq!(panic.message, "3 is too small");
        assert_eq!(panic.thread.as_deref(), Some("main"));
        let place = panic.location.unwrap();
        assert!(place.contains(&format!("death.rs:{LINE}:")), "{place}");
        let trace = panic.backtrace.unwrap();
        assert!(trace.contains("death::refuse"), "{trace}");
        for part in ["refuse-1", &panic.pid.to_string(), &place, "3 is too small"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(refuse::spawn(6).unwrap().join().unwrap(), 6);
    }

    fn a_panic_is_printed_once_with_the_processs_name() {
        let (panic, printed) = panic_of(refuse::task(4).name("picky"));
        assert_eq!(panic.message, "4 is too small");
        assert_eq!(printed.matches("4 is too small").count(), 1, "{printed}");
        assert!(printed.starts_with("[picky] thread 'main' panicked at "), "{printed}");
        assert!(printed.contains(&format!("death.rs:{LINE}:")), "{printed}");
    }

    fn a_trace_is_printed_only_when_asked_for() {
        let (_, printed) = panic_of(refuse::task(4).env("RUST_BACKTRACE", "0"));
        assert!(!printed.contains("death::refuse"), "{printed}");
        let (_, printed) = panic_of(refuse::task(4).env("RUST_BACKTRACE", "1"));
        assert!(printed.contains("death::refuse"), "{printed}");
    }

    fn payloads_of_every_kind() {
        let message = |how| panic_of(odd_payload::task(how)).0.message;
        assert!(message(0).contains("not text"));
        assert_eq!(message(1), "a constant");
        assert_eq!(message(2), "made here");
        assert_eq!(message(3), "not even begun");
    }

    fn panics_in_destructors() {
        assert_eq!(panic_of(panic_in_a_destructor::task()).0.message, "the bomb went off");
        assert!(panic_of(panic_with_an_explosive::task()).0.message.contains("not text"));
        let process = panic_while_panicking::task().stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(process.wait().unwrap().signal().map(Signal::number), Some(6));
        let panic = panicked(process);
        assert!(panic.message.contains("destructor") || panic.message.contains("bomb"), "{panic}");
    }

    fn panics_of_threads() {
        let quiet = |task: offspring::Task<bool>| task.stderr(Stdio::null()).spawn().unwrap().join();
        assert!(quiet(panic_in_a_thread::task()).unwrap());
        assert_eq!(panic_of(panic_named::task()).0.message, "passed on");
    }

    /// They would fill the socket, and the result would wait for ever, if each were sent.
    fn caught_panics_are_nobody_elses_concern() {
        let process = catch::task(150).stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(process.join().unwrap(), 150);
        let aborted = catch_and_panic_twice::task().stderr(Stdio::null()).spawn().unwrap();
        assert_ne!(panicked(aborted).message, "again");
    }

    fn a_hook_of_the_tasks_own() {
        let (panic, printed) = panic_of(own_hook::task());
        assert_eq!((&*panic.message, &*printed), ("what it says", "my own words\n"));
    }

    fn aborts_faults_and_kills() {
        assert_eq!(signal_of(quietly("abort")), 6);
        assert_eq!(signal_of(quietly("segfault")), 11);
        assert_eq!(signal_of(quietly("kill")), 9);
    }

    fn a_stack_overflow_is_reported() {
        let errors = tempfile::tempfile().unwrap();
        let process = end::task("overflow").stderr(errors.try_clone().unwrap()).spawn().unwrap();
        assert_eq!(signal_of(process), 6);
        let printed = contents(errors);
        assert!(printed.contains("has overflowed its stack"), "{printed}");
    }

    fn an_exit_before_the_return() {
        for (how, expected) in [("exit", 0), ("exit 7", 7), ("exit 300", 300 & 0xff)] {
            let process = end::spawn(how).unwrap();
            assert_eq!(process.wait().unwrap().code(), Some(expected));
            assert_eq!(process.wait().unwrap().success(), expected == 0);
            assert!(matches!(process.join(), Err(JoinError::Exited(code)) if code == expected));
        }
        let process = exit_in_a_thread::spawn().unwrap();
        assert!(matches!(process.join(), Err(JoinError::Exited(9))));
    }

    /// One child's death is no other's.
    fn others_go_on() {
        let sleeper = sleep::spawn().unwrap();
        for how in ["abort", "segfault", "kill", "exit 7"] {
            assert!(quietly(how).join().is_err());
            assert_eq!(echo::spawn(5).unwrap().join().unwrap(), 5);
        }
        assert!(sleeper.is_alive());
        sleeper.kill().unwrap();
        assert_eq!(signal_of(sleeper), 9);
    }

    fn errors_say_what_happened() {
        let text = |how: &str| quietly(how).join().unwrap_err().to_string();
        assert!(text("kill").contains("SIGKILL"), "{}", text("kill"));
        assert!(!text("kill").contains("memory"), "{}", text("kill"));
        assert!(text("abort").contains("SIGABRT"), "{}", text("abort"));
        assert!(text("exit 7").contains("exit code 7"), "{}", text("exit 7"));
    }
}
