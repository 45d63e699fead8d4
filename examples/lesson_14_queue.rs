//! Lesson 14, message queues: a container between processes, in which each message is taken once.
//!
//! One side puts messages in, the other takes them out, and neither has to know who the other is. What is taken is gone: of many who
//! take, each message comes to exactly one. (Pipes are in `lesson_14_pipe`.)
//!
//! | | Python | here |
//! | --- | --- | --- |
//! | the container | `q = Queue()` | `Queue::new()?` |
//! | a message | anything that pickles | any type with `#[message]` |
//! | the end | a sentinel for each who takes | `q.close()` |
//!
//! Run it: `cargo run --example lesson_14_queue`

use offspring::prelude::*;
use offspring::{Queue, message};

#[message]
#[derive(Debug)]
enum Note {
    Temperature { city: String, celsius: f32 },
    Rain(String),
}

#[process]
fn station(city: &str, celsius: f32, notes: &Queue<Note>) {
    notes.put(Note::Temperature { city: city.to_owned(), celsius }).unwrap();
    if celsius < 15.0 {
        notes.put(Note::Rain(city.to_owned())).unwrap();
    }
}

#[process]
fn reader(number: u32, notes: &Queue<Note>, lines: &Queue<String>) -> u32 {
    let mut count = 0;
    for note in notes {
        let line = match note {
            Note::Temperature { city, celsius } => format!("{city}: {celsius} degrees"),
            Note::Rain(city) => format!("{city}: rain"),
        };
        lines.put(format!("reader {number} got {line}")).unwrap();
        count += 1;
    }
    count
}

fn main() -> offspring::Result<()> {
    let (notes, lines) = (Queue::bounded(8)?, Queue::new()?);
    let readers = [1, 2].map(|number| reader::spawn(number, &notes, &lines));
    let cities = [("Beijing", 21.5), ("London", 11.0), ("Nairobi", 24.0), ("Oslo", 6.5)];
    let stations = cities.map(|(city, celsius)| station::spawn(city, celsius, &notes));
    for station in stations {
        station?.join()?;
    }
    notes.close();
    let mut read = 0;
    for reader in readers {
        read += reader?.join()?;
    }
    let mut lines = lines.get_many(usize::MAX)?;
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
    println!("{read} messages, each read once");
    Ok(())
}
