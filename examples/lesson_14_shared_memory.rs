//! Lesson 14: ways between processes: shared memory.
//!
//! One makes a piece of memory and gives it a name, another one finds it by that name; one writes, the other reads.
//!
//! In Python:
//!
//! ```python
//! shm = SharedMemory("blackboard", create=True, size=64)
//! shm.buf[:5] = b"hello"
//! other = SharedMemory("blackboard")      # in another program
//! print(bytes(other.buf[:5]))
//! shm.close(); shm.unlink()               # forgotten, or killed before: it stays for ever
//! ```
//!
//! Here the name goes with the process that made it, however that one ends, and not with one that has only opened it. What
//! is more than bytes (locks, queues) programs find by name in a `Manager`.
//!
//! Run it: `cargo run --example lesson_14_shared_memory`

use std::process::Command;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use offspring::prelude::*;
use offspring::{Manager, SharedMemory};

/// Shared bytes may change at any moment, so that each is an atomic.
fn write(bytes: &[AtomicU8], text: &str) {
    bytes.iter().zip(text.bytes()).for_each(|(byte, letter)| byte.store(letter, Relaxed));
}

fn read(bytes: &[AtomicU8]) -> String {
    let letters = bytes.iter().map(|byte| byte.load(Relaxed));
    letters.take_while(|letter| *letter != 0).map(char::from).collect()
}

// 1. A child finds the memory by its name, or is handed it.

#[process]
fn answer(name: &str) -> offspring::Result<String> {
    let blackboard = SharedMemory::open(name)?;
    let question = read(blackboard.bytes());
    write(blackboard.bytes(), "fine, thank you");
    Ok(question)
}

#[process]
fn shout(blackboard: SharedMemory) {
    let text = read(blackboard.bytes()).to_uppercase();
    write(blackboard.bytes(), &text);
}

// 2. and 3. Another program, which has nothing but the name.

/// What it is told in front of the name.
const ANOTHER: &str = "--another-program";

fn another_program(name: &str) -> offspring::Result<()> {
    let blackboard = SharedMemory::open(name)?;
    println!("2. the other program reads: {}", read(blackboard.bytes()));
    let manager = Manager::attach(name)?;
    let (orders, kitchen) = (manager.queue::<String>("orders")?, manager.lock("kitchen")?);
    for order in &orders {
        let _turn = kitchen.lock().unwrap();
        println!("3. the other program cooks {order}");
    }
    // Nothing is given back: its end takes nothing away from the others.
    std::process::abort();
}

fn start_another_program(name: &str) -> std::io::Result<std::process::Child> {
    Command::new(std::env::current_exe()?).args([ANOTHER, name]).spawn()
}

fn main() -> offspring::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, ANOTHER, name] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return another_program(name);
    }
    let name = format!("blackboard-{}", std::process::id());
    let blackboard = SharedMemory::create(&name, 64)?;

    write(blackboard.bytes(), "how are you?");
    println!("1. the child reads: {}", answer::spawn(&name)?.join()??);
    println!("1. the parent reads: {}", read(blackboard.bytes()));
    shout::spawn(blackboard.clone())?.join()?;
    println!("1. the parent reads: {}", read(blackboard.bytes()));

    let manager = Manager::named(&name)?;
    let orders = manager.queue::<String>("orders")?;
    let mut other = start_another_program(&name)?;
    orders.put_many(["dumplings", "noodles"].map(str::to_owned))?;
    orders.close();
    println!(
        "3. the other program ended: {}",
        if other.wait()?.success() { "well" } else { "badly" }
    );
    for (object, kind) in manager.names()? {
        println!("3. still there: {object}, a {kind}");
    }
    println!("4. {}", manager.lock("orders").unwrap_err().to_string().replace(&name, "blackboard"));

    for again in [SharedMemory::create(&name, 64), SharedMemory::open("greenboard")] {
        println!("4. {}", again.unwrap_err().to_string().replace(&name, "blackboard"));
    }
    drop(blackboard);
    let gone = SharedMemory::open(&name).unwrap_err();
    println!("4. {}", gone.to_string().replace(&name, "blackboard"));
    Ok(())
}
