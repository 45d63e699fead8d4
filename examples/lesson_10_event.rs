//! Lesson 10: events, or the signal to go.
//!
//! An event is set or not. `wait` goes through while it is set, and blocks while it is not.
//!
//! | | Python | here |
//! | --- | --- | --- |
//! | make one, not set | `e = Event()` | `Event::new()?` |
//! | set it, and let all go who wait | `e.set()` | `e.set()` |
//! | take it back | `e.clear()` | `e.clear()` |
//! | look | `e.is_set()` | `e.is_set()` |
//! | block until it is set | `e.wait()` | `e.wait()` |
//! | the same, for 3 seconds at most | `e.wait(3)` | `e.wait_timeout(Duration::from_secs(3))` |
//!
//! In Python, `set` waits until each sleeper has answered: kill one while it waits, and `set` hangs. Here, nobody waits
//! for a sleeper, and `set` may even stand in a signal handler.
//!
//! Run it: `cargo run --example lesson_10_event`

use std::thread::sleep;
use std::time::Instant;

use offspring::Event;
use offspring::prelude::*;

// 4. Traffic lights: a daemon switches them, cars wait for green. (A second lasts 100 milliseconds.)

const SECOND: Duration = Duration::from_millis(100);

#[daemon]
fn lights(green: &Event) {
    loop {
        println!("4. red");
        sleep(4 * SECOND);
        println!("4. green");
        green.set();
        sleep(SECOND);
        green.clear();
    }
}

#[process]
fn car(number: u32, green: &Event) {
    if !green.is_set() {
        println!("4. car {number} waits");
    }
    green.wait();
    println!("4. car {number} goes");
}

fn main() -> offspring::Result<()> {
    let e = Event::new()?;
    println!("1. set: {}", e.is_set());

    e.set();
    println!("2. set: {}", e.is_set());
    e.wait();
    println!("2. running ...");
    e.clear();

    let start = Instant::now();
    let set = e.wait_timeout(Duration::from_millis(300));
    assert!(start.elapsed() >= Duration::from_millis(300));
    println!("3. waited for 0.3 seconds; set: {set}");
    println!("3. running ...");

    let green = Event::new()?;
    let unlucky = car::spawn(0, &green)?;
    sleep(SECOND);
    unlucky.kill()?;
    println!("4. car 0 is towed away");
    lights::spawn(&green)?;
    let mut cars = Vec::new();
    for number in 1..=6 {
        cars.push(car::spawn(number, &green)?);
        sleep(SECOND * (number % 3));
    }
    for car in cars {
        car.join()?;
    }
    Ok(())
}
