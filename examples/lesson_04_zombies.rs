//! Lesson 4: processes run on their own, `main` waits for them, and no zombies stay.
//!
//! Parent and children are asynchronous: the system decides who runs when, so nobody knows which
//! child is done first. Most often `main` gets ahead, because it is running already while a child has
//! yet to be born; a process that has to wait, here for a clock, gives way to another.
//!
//! When `main` is done, the program does not end: it waits for the children first. A program that
//! did not wait would leave children behind that nobody looks after. And a process that has ended
//! stays in the system's table, as a zombie, until its parent asks how it ended. Python asks at the next
//! `start`, `join`, `is_alive` or `active_children()`, so a program that does none of these keeps its
//! zombies; here it happens as they end, also for children whose handle was thrown away.
//!
//! In Python:
//!
//! ```python
//! for i in range(1, 4):
//!     Process(target=work, args=(i,)).start()
//! print("main has nothing left to do")      # and yet the program goes on
//! ```
//!
//! Run it: `cargo run --example lesson_04_zombies`

use std::fs;
use std::thread::sleep;

use offspring::prelude::*;
use offspring::process::active_children;

#[process]
fn short() {}

#[process]
fn work(number: u64) {
    println!("child {number} starts");
    sleep(Duration::from_millis(200 * number));
    println!("child {number} is done");
}

fn main() -> offspring::Result<()> {
    // Twenty children that end at once, and nobody who joins them.
    for _ in 0..20 {
        short::spawn()?;
    }
    while !active_children().is_empty() {
        sleep(Duration::from_millis(10));
    }
    println!("20 children have ended, zombies: {}", zombies());

    for number in 1..=3 {
        // No handle is kept. A process is not a thread that is cut off when `main` returns.
        work::spawn(number)?;
    }
    println!("main has nothing left to do");
    Ok(())
}

/// How many children of this process have ended without being asked how.
fn zombies() -> usize {
    let status = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("status")).ok();
    let parent = format!("PPid:\t{}\n", std::process::id());
    let is_zombie = |status: &String| status.contains(&parent) && status.contains("State:\tZ");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(status).filter(is_zombie).count()
}
