//! Lesson 1: what a process is.
//!
//! A process is a program while it runs, and the smallest thing to which the system gives resources.
//! Each one has an address space, memory and stack of its own, and what else it takes to keep track
//! of it: open files, a working directory, a number.
//!
//! Many processes are in memory at the same time. On one processor only one of them runs at any
//! instant: A for some milliseconds, then B. They seem to run together because the system changes
//! between them so quickly. With more processors, that many run truly at the same time.
//!
//! In Python this takes `Process(target=portrait, args=("A",))`, then `start()`; to get the portrait
//! back takes a queue besides. Here an attribute on the function does it, and `join` gives what the
//! function returned.
//!
//! Run it: `cargo run --example lesson_01_process`

use std::fs;
use std::sync::Mutex;

use offspring::prelude::*;

/// An ordinary global variable. Every process has its own.
static NOTE: Mutex<&str> = Mutex::new("nothing yet");

/// What a process can tell about itself. `#[message]` lets it travel from one process to another.
#[message]
struct Portrait {
    pid: u32,
    stack: usize,
    note_address: usize,
    note: String,
}

/// The function that becomes a process: `portrait::spawn(..)` starts one, `portrait(..)` is still a
/// plain call.
#[process]
fn portrait(name: &str) -> Portrait {
    let on_the_stack = 0_u8;
    let mut note = NOTE.lock().unwrap();
    *note = if name == "A" { "A was here" } else { "B was here" };
    Portrait {
        pid: std::process::id(),
        stack: &raw const on_the_stack as usize,
        note_address: &raw const NOTE as usize,
        note: note.to_string(),
    }
}

fn main() -> offspring::Result<()> {
    println!("in memory now:     {:>4} processes", processes_in_memory()?);
    println!("at the same time:  {:>4} can run\n", offspring::cpu_count());

    // Both run at the same time from here on, and beside this one.
    let (a, b) = (portrait::spawn("A")?, portrait::spawn("B")?);
    let portraits = [("A", a.join()?), ("B", b.join()?)];

    println!("process  pid      a stack address  NOTE lies at     NOTE says");
    for (name, Portrait { pid, stack, note_address, note }) in portraits {
        println!("{name:<7}  {pid:<7}  {stack:<#15x}  {note_address:<#15x}  {note}");
    }
    let (pid, note) = (std::process::id(), *NOTE.lock().unwrap());
    println!("main     {pid:<7}  {:<15}  {:<#15x}  {note}", "", &raw const NOTE as usize);

    // A and B often show the same address: an address means something within one process only.
    println!("\nThree processes, three variables, even where the addresses are the same.");
    Ok(())
}

/// The system shows each process as a directory of /proc that is named by its number.
fn processes_in_memory() -> offspring::Result<usize> {
    let names = fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name());
    Ok(names.filter(|name| name.to_string_lossy().parse::<u32>().is_ok()).count())
}
