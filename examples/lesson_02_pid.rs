//! Lesson 2: the number of a process.
//!
//! The system knows each process by a number, its pid, and remembers who started it. With that
//! number anyone can look at the process or end it:
//!
//! ```text
//! ps -aux                 all processes with their numbers
//! ps -aux | grep 2860     the one with this number
//! kill -9 2860            ends it, whatever it is doing
//! ```
//!
//! In Python:
//!
//! ```python
//! res = os.getpid()       # of this process
//! res2 = os.getppid()     # of the process that started it
//! p.pid, p.kill()         # of a child, and its end
//! ```
//!
//! Run it: `cargo run --example lesson_02_pid`

use std::os::unix::process::parent_id;

use offspring::process::{current, parent};
use offspring::{JoinError, Signal, prelude::*};

/// The child asks the system for both numbers.
#[process]
fn who_am_i() -> (u32, u32) {
    let (pid, parent_pid) = (std::process::id(), parent_id());
    println!("child:  my pid is {pid}, my parent's is {parent_pid}");

    // The library knows the same, and names besides. `ps` shows this name too.
    println!("child:  I am {:?}, started by {:?}", current().name, parent().unwrap().name);
    (pid, parent_pid)
}

#[process]
fn sleep_long() {
    std::thread::sleep(Duration::from_secs(3600));
}

fn main() -> offspring::Result<()> {
    println!("main:   my pid is {}", std::process::id());

    let child = who_am_i::spawn()?;
    let its_pid = child.pid();
    let (pid, parent_pid) = child.join()?;
    println!("main:   the child that I started as {its_pid} says {pid}, child of {parent_pid}");

    // `kill -9` by hand could hit a stranger: once a process has ended, its number may be given to
    // another. A handle stands for its own process only, and killing it twice does no harm.
    let sleeper = sleep_long::spawn()?;
    println!("main:   {} would sleep for an hour: kill -9 {}", sleeper.name(), sleeper.pid());
    sleeper.kill()?;
    match sleeper.join() {
        Err(JoinError::Signaled(Signal::SIGKILL)) => println!("main:   it was killed by SIGKILL"),
        other => println!("main:   it ended otherwise: {other:?}"),
    }
    Ok(())
}
