//! Lesson 11: queues, or first in, first out, between processes.
//!
//! | | Python | here |
//! | --- | --- | --- |
//! | make one that grows | `q = Queue()` | `Queue::new()?` |
//! | make one for 4 items | `q = Queue(4)` | `Queue::bounded(4)?` |
//! | put, waiting for room | `q.put(x)` | `q.put(x)?` |
//! | put, or be told that it is full | `q.put_nowait(x)` | `q.try_put(x)`: `Err(TryPutError::Full(x))`, and `x` is back |
//! | take, waiting for an item | `q.get()` | `q.get()?` |
//! | take, or be told that it is empty | `q.get_nowait()` | `q.try_get()`: `Err(TryGetError::Empty)` |
//! | take, for 3 seconds at most | `q.get(timeout=3)` | `q.get_timeout(Duration::from_secs(3))` |
//! | no more items | a sentinel by agreement | `q.close()`, which ends `for item in &q` |
//!
//! In Python, `put` hands the item to a thread that writes it later, so that a process that is killed, or ends too early, may take
//! it along; and one that is killed while it reads leaves the queue locked for all. Here, an item is in shared memory when
//! `put` returns, and a kill at any moment leaves the others working.
//!
//! Run it: `cargo run --example lesson_11_queue`

use offspring::prelude::*;
use offspring::{GetError, Queue, TryGetError, TryPutError};

// 3. Two processes share data by way of a queue.

#[process]
fn func(q: &Queue<String>) {
    let got = q.get().unwrap();
    println!("3. the child got {got}");
    q.put("Ma Shengping".to_owned()).unwrap();
}

// 4. An item is there when `put` has returned, whatever becomes of whoever put it.

#[process]
fn put_and_be_killed(q: &Queue<u64>) {
    q.put(1).unwrap();
    q.put(2).unwrap();
    std::process::abort();
}

fn main() -> offspring::Result<()> {
    let q = Queue::new()?;
    q.put(100)?;
    q.put(101)?;
    q.put(102)?;
    println!("1. first in, first out: {} {} {}", q.get()?, q.get()?, q.get()?);
    match q.try_get() {
        Err(TryGetError::Empty) => println!("1. there is nothing left in it"),
        other => println!("1. {other:?}"),
    }
    match q.get_timeout(Duration::from_millis(100)) {
        Err(error) => println!("1. waiting does not help: {error}"),
        Ok(item) => println!("1. where does {item} come from?"),
    }

    let q2 = Queue::bounded(4)?;
    q2.put_many(200..203)?;
    q2.try_put(204)?;
    match q2.try_put(205) {
        Err(TryPutError::Full(item)) => println!("2. {} items, no room for {item}", q2.len()),
        other => println!("2. {other:?}"),
    }

    let q3 = Queue::new()?;
    let child = func::spawn(&q3)?;
    q3.put("Wang Fan".to_owned())?;
    child.join()?;
    println!("3. main got {}", q3.get()?);

    let q4 = Queue::new()?;
    let killed = put_and_be_killed::spawn(&q4)?.join();
    println!("4. the child ended: {}", killed.unwrap_err());
    println!("4. what it had put is there: {:?}", q4.get_many(10)?);
    match q4.get() {
        Err(GetError::PeerDied) => println!("4. and nobody is left who could put more"),
        other => println!("4. {other:?}"),
    }
    println!("end of the main program ...");
    Ok(())
}
