//! A constructor of the user's that hangs, dies or meddles before the library is reached.

#![allow(unsafe_code, reason = "an entry in .init_array has no safe form")]

use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use offspring::{Error, StartMethod, process};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use crate::Case;
use crate::support::{children, open_descriptors, run};

pub(crate) const CASES: &[Case] = &[
    ("a_constructor_that_hangs_is_a_typed_error", || sabotage("hang")),
    ("a_constructor_that_aborts_is_a_typed_error", || sabotage("abort")),
    ("a_constructor_that_faults_is_a_typed_error", || sabotage("fault")),
    ("a_constructor_that_exits_is_a_typed_error", || sabotage("exit")),
    ("a_constructor_that_talks_on_our_socket_is_a_typed_error", || sabotage("garbage")),
    ("a_constructor_that_closes_our_socket_is_a_typed_error", || sabotage("close")),
    ("a_slow_constructor_is_waited_for", || {
        run("patient", |command| {
            command.env(SABOTAGE, "slow");
        });
    }),
];
pub(crate) const VICTIMS: &[Case] = &[("sabotaged", sabotaged), ("patient", patient)];

const SABOTAGE: &str = "OFFSPRING_TEST_CONSTRUCTOR";
/// The library promises ten seconds for a hello; a machine may be slow besides.
const BOUND: Duration = Duration::from_secs(50);

// Before the library's own constructor, which has no priority.
#[used]
#[unsafe(link_section = ".init_array.00200")]
static EARLY: extern "C" fn() = early;

/// What a user's library might do wrong, in exec'ed processes of ours alone.
extern "C" fn early() {
    let Some(marker) = std::env::args_os().next() else { return };
    let marker = marker.to_string_lossy();
    let Some(rest) = marker.strip_prefix("offspring!") else { return };
    let socket = rest.get(1..).unwrap_or("").trim_end_matches('-').parse();
    let Ok(sabotage) = std::env::var(SABOTAGE) else { return };
    match (sabotage.as_str(), socket) {
        ("hang", _) => loop {
            std::thread::park();
        },
        ("slow", _) => std::thread::sleep(Duration::from_millis(300)),
        ("abort", _) => std::process::abort(),
        ("fault", _) => {
            // SAFETY: raises the signal that a wild pointer would.
            unsafe { libc::raise(libc::SIGSEGV) };
        }
        // SAFETY: ends this process without more ado, as `exit` in a constructor would.
        ("exit", _) => unsafe { libc::_exit(0) },
        ("garbage", Ok(socket)) => talk(socket),
        ("close", Ok(socket)) => {
            // SAFETY: the mistake that is tested: closing what is somebody else's.
            unsafe { libc::close(socket) };
        }
        _ => {}
    }
}

fn talk(socket: i32) {
    // SAFETY: the number in the marker is open for the whole life of this process.
    let socket = unsafe { BorrowedFd::borrow_raw(socket) };
    let words = IoSlice::new(b"hello, I am a library that writes to every descriptor");
    let _ = sendmsg(socket, &[words], &mut SendAncillaryBuffer::default(), SendFlags::empty());
}

#[process]
fn answer() -> u32 {
    42
}

fn sabotage(how: &str) {
    run("sabotaged", |command| {
        command.env(SABOTAGE, how);
    });
}

fn sabotaged() {
    // No core dumps of deaths that are meant.
    rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    )
    .expect("a lower limit");
    let descriptors = open_descriptors();
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        let start = Instant::now();
        match answer::task().start_method(method).spawn() {
            Err(error @ Error::Handshake { .. }) => eprintln!("constructors: {error}"),
            other => panic!("{method:?}: {other:?}"),
        }
        assert!(start.elapsed() < BOUND, "that is no bounded time");
        assert!(children().is_empty(), "{:?}", children());
        assert_eq!(open_descriptors(), descriptors);
    }
    // SAFETY: this program has one thread.
    unsafe { std::env::remove_var(SABOTAGE) };
    patient();
}

fn patient() {
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        let child = answer::task().start_method(method).spawn().expect("it works without sabotage");
        assert_eq!(child.join().expect("a result"), 42);
    }
}
