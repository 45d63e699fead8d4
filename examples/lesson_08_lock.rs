//! Lesson 8: locks, or whose turn it is.
//!
//! A lock makes processes exclude each other: who gets it first goes first, the others wait until it is given back.
//!
//! In Python:
//!
//! ```python
//! lock = Lock()
//! lock.acquire()
//! # lock.acquire()        # a second time: the program hangs, for ever
//! print("running ...")
//! lock.release()          # forget this, and everyone else hangs
//! ```
//!
//! Here, taking a lock twice is an error, at once. `lock.lock()?` gives a guard that gives the lock back where it goes
//! out of scope, so nobody can forget to. And when a holder is killed, the next one goes on; in Python, all
//! would wait for the dead.
//!
//! Where there is data to protect, take `Mutex<T>` with the data inside (see `bank` for that): a `Lock` is for what
//! is not memory, like the file of this lesson.
//!
//! Run it: `cargo run --example lesson_08_lock`

use std::path::Path;
use std::thread::sleep;
use std::{fs, io};

use offspring::Lock;
use offspring::prelude::*;

// 2. A ticket office: whoever reads how many tickets are left must not be disturbed until the new number is written.

#[process]
fn buy(customer: &str, lock: &Lock, office: &Path) -> io::Result<()> {
    let _turn = lock.lock()?;
    let left: u32 = fs::read_to_string(office)?.parse().map_err(io::Error::other)?;
    if left == 0 {
        println!("2. {customer}: sold out");
        return Ok(());
    }
    sleep(Duration::from_millis(20));
    fs::write(office, (left - 1).to_string())?;
    println!("2. {customer}: ticket number {left}");
    Ok(())
}

// 3. Takes the lock and does not come back.

#[process]
fn keep(lock: &Lock) -> io::Result<()> {
    lock.acquire()?;
    loop {
        std::thread::park();
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lock = Lock::new()?;

    lock.acquire()?;
    println!("1. running ...");
    println!("1. a second acquire: {}", lock.acquire().unwrap_err());
    lock.release()?;
    println!("1. a second release: {}", lock.release().unwrap_err());

    let office = std::env::temp_dir().join(format!("tickets-{}", std::process::id()));
    fs::write(&office, "3")?;
    let customers = ["ann", "bob", "cleo", "dan", "eve"];
    let all: Vec<_> =
        customers.iter().map(|it| buy::spawn(it, &lock, &office)).collect::<Result<_, _>>()?;
    for customer in all {
        customer.join()??;
    }
    println!("2. tickets left: {}", fs::read_to_string(&office)?);
    fs::remove_file(office)?;

    let keeper = keep::spawn(&lock)?;
    while lock.holder() != Some(keeper.pid()) {
        sleep(Duration::from_millis(1));
    }
    println!("3. {} has the lock, and is killed", keeper.name());
    keeper.kill()?;
    let guard = lock.lock()?;
    println!("3. main has the lock; left by the dead: {}", guard.recovered());
    drop(guard);
    println!("3. main has it again; left by the dead: {}", lock.lock()?.recovered());
    Ok(())
}
