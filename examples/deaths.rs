//! Every way in which a child can end, and what its parent learns: death is a value.
//!
//! Python's `multiprocessing` knows an exit code, and the rest is on stderr, if anywhere. Here each end has a
//! type of its own, and none of them hangs or harms the parent.
//!
//! ```text
//! cargo run --example deaths
//! ```

use std::io::{self, Read as _};
use std::time::Duration;

use offspring::{JoinError, Signal, Task, process};

#[process]
fn returns(value: u32) -> u32 {
    value
}

#[process]
fn fails(path: &str) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

#[process]
fn panics(divisor: u32) -> u32 {
    100 / divisor
}

#[process]
fn exits(code: i32) -> u32 {
    std::process::exit(code)
}

#[process]
fn aborts() -> u32 {
    std::process::abort()
}

#[process]
fn overflows(depth: u64) -> u64 {
    fn deeper(depth: u64) -> u64 {
        let ballast = std::hint::black_box([depth; 512]);
        if depth == u64::MAX { 0 } else { deeper(depth + 1) + ballast[0] }
    }
    deeper(depth)
}

#[process(memory = "64MiB")]
fn swallows(bytes: usize) -> usize {
    std::hint::black_box(vec![1u8; bytes]).len()
}

#[process(timeout = "100ms")]
fn sleeps() -> u32 {
    std::thread::sleep(Duration::from_secs(3600));
    0
}

/// Runs one task with its own words on stderr kept out of the picture, and shows how it ended.
fn show<R: std::fmt::Debug>(name: &str, task: Task<R>) -> Result<Option<JoinError>, io::Error> {
    let (mut words, writer) = io::pipe()?;
    let ended = task.stderr(writer).spawn().map(offspring::Process::join);
    let mut said = String::new();
    words.read_to_string(&mut said)?;
    let first = said.lines().find(|line| !line.is_empty()).unwrap_or("-");
    let (learned, error) = match ended {
        Ok(Ok(value)) => (format!("{value:?}"), None),
        Ok(Err(error)) => (error.to_string(), Some(error)),
        Err(error) => (error.to_string(), None),
    };
    println!("{name:<10} {learned}");
    println!("{:<10} said on stderr: {first}", "");
    Ok(error)
}

fn main() -> io::Result<()> {
    assert!(show("returns", returns::task(42))?.is_none());
    assert!(show("fails", fails::task("/no/such/file"))?.is_none());

    let error = show("panics", panics::task(0))?;
    let Some(JoinError::Panicked(panic)) = error else { panic!("it panicked: {error:?}") };
    assert_eq!(panic.message, "attempt to divide by zero");
    assert!(panic.location.is_some_and(|place| place.contains("deaths.rs:")));
    assert!(panic.backtrace.is_some_and(|frames| frames.contains("panics")));

    assert!(matches!(show("exits", exits::task(3))?, Some(JoinError::Exited(3))));
    assert!(matches!(show("aborts", aborts::task())?, Some(JoinError::Signaled(_))));
    assert!(matches!(show("overflows", overflows::task(0))?, Some(JoinError::Signaled(_))));
    assert!(matches!(show("swallows", swallows::task(1 << 30))?, Some(JoinError::Signaled(_))));
    assert!(matches!(show("sleeps", sleeps::task())?, Some(JoinError::TimedOut(_))));

    let victim = sleeps::task().timeout(Duration::from_secs(60)).spawn()?;
    victim.kill()?;
    let killed = victim.join();
    println!(
        "{:<10} {}",
        "killed",
        killed.as_ref().map_or_else(ToString::to_string, |_| "?".into())
    );
    assert!(matches!(killed, Err(JoinError::Signaled(Signal::SIGKILL))));
    Ok(())
}
