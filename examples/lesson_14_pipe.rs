//! Lesson 14: ways between processes: the pipe.
//!
//! Processes talk by queues (lesson 11), by shared memory (lesson 13) and by pipes. A pipe has two ends: what one process
//! sends into its end, the other receives from its own.
//!
//! In Python:
//!
//! ```python
//! def worker(conn):
//!     conn.send(["hello", 42])    # anything; the other side finds out what
//!     print(conn.recv())
//! a, b = Pipe()
//! p = Process(target=worker, args=(b,))
//! p.start()
//! b.close()                       # forgotten, recv waits for ever when the child has died
//! ```
//!
//! Here both directions have a type, an end that was given away is closed on this side, and whoever receives from
//! one who has died is told. An end can be sent through another pipe, too, as can locks, files and shared memory.
//!
//! Run it: `cargo run --example lesson_14_pipe`

use offspring::prelude::*;
use offspring::{Connection, RecvError, pipe};

#[message]
#[derive(Debug)]
enum Order {
    Tea { cups: u32 },
    Cake(String),
}

// 1. One end sends, the other receives.

#[process]
fn sender(end: Connection<String, ()>) -> offspring::Result<()> {
    for line in ["one end sends", "in one process,", "the other receives in another"] {
        end.send(line.to_owned())?;
    }
    Ok(())
}

// 2. There and back, each way with its own type.

#[process]
fn kitchen(guests: Connection<String, Order>) -> offspring::Result<u32> {
    let mut served = 0;
    loop {
        let answer = match guests.recv() {
            Ok(Order::Tea { cups }) => format!("{cups} cups of tea"),
            Ok(Order::Cake(kind)) => format!("a piece of {kind} cake"),
            Err(RecvError::Eof) => return Ok(served),
            Err(other) => return Err(other.into()),
        };
        served += 1;
        guests.send(answer)?;
    }
}

// 3. A pipe sent through a pipe: two children that the parent introduces to each other.

type Talk = Connection<String, String>;

#[process]
fn poet(line: &str, post: Connection<(), Talk>) -> offspring::Result<String> {
    let other = post.recv()?;
    other.send(line.to_owned())?;
    Ok(other.recv()?)
}

// 4. Somebody who dies in the middle of a conversation.

#[process]
fn storyteller(end: Connection<String, ()>) -> offspring::Result<()> {
    end.send("once upon a time".to_owned())?;
    std::thread::sleep(Duration::from_secs(3600));
    Ok(())
}

fn main() -> offspring::Result<()> {
    let (a, b) = pipe::<String, ()>()?;
    let child = sender::spawn(a)?;
    while let Ok(line) = b.recv() {
        println!("1. {line}");
    }
    child.join()??;

    let (guests, theirs) = pipe::<Order, String>()?;
    let child = kitchen::spawn(theirs)?;
    for order in [Order::Tea { cups: 2 }, Order::Cake("poppy seed".to_owned())] {
        print!("2. {order:?} -> ");
        guests.send(order)?;
        println!("{}", guests.recv()?);
    }
    guests.close();
    println!("2. the kitchen served {} guests", child.join()??);

    let (first, second) = (pipe()?, pipe()?);
    let li = poet::spawn("the moon is bright", first.1)?;
    let du = poet::spawn("the night is long", second.1)?;
    let (one, other) = pipe()?;
    first.0.send(one)?;
    second.0.send(other)?;
    println!("3. li heard: {}", li.join()??);
    println!("3. du heard: {}", du.join()??);

    let (end, theirs) = pipe::<(), String>()?;
    let child = storyteller::spawn(theirs)?;
    println!("4. {} ...", end.recv()?);
    child.kill()?;
    println!("4. {}", end.recv().unwrap_err());
    Ok(())
}
