//! Lesson 7: daemons, which live no longer than their parent.
//!
//! A program waits for its children before it ends (lesson 4), except for daemons: those are there to
//! serve it, a progress report, a cache, a heartbeat, and have nothing left to do when it is done. As
//! soon as all its code has run, they are ended, in the middle of whatever they do. They also die when
//! it is killed, by any signal.
//!
//! In Python:
//!
//! ```python
//! p = Process(target=func)
//! p.daemon = True         # must come before start()
//! p.start()
//! ```
//!
//! Here it says `#[daemon]` where the function is written, so no caller can forget it or come too late.
//! (`func::task().daemon(true).spawn()` decides it for one call.)
//!
//! Run it: `cargo run --example lesson_07_daemon`

use std::thread::sleep;

use offspring::prelude::*;

// 1. One daemon. It never comes to its end.

#[daemon]
fn func() {
    println!("start of the daemon");
    sleep(Duration::from_secs(1));
    println!("end of the daemon");
}

#[process]
fn first_program() -> offspring::Result<()> {
    func::spawn()?;
    println!("end of the first program ...");
    Ok(())
}

// 2. A daemon beside an ordinary child. The stars stop when the program's code has run; `func2` is
// waited for.

#[daemon]
fn func1() {
    let mut count = 1;
    loop {
        println!("{}", "*".repeat(count));
        sleep(Duration::from_millis(500));
        count += 1;
    }
}

#[process]
fn func2() {
    println!("start of func2");
    sleep(Duration::from_secs(3));
    println!("end of func2");
}

#[process]
fn second_program() -> offspring::Result<()> {
    func1::spawn()?;
    func2::spawn()?;
    sleep(Duration::from_secs(1));
    println!("end of the second program ...");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The lesson has two programs, and a program that runs is a process: so each is started as one. Like
    // `main`, it ends its daemons and waits for its other children when it returns.
    first_program::spawn()?.join()??;
    second_program::spawn()?.join()??;
    Ok(())
}
