//! Lesson 9: semaphores, or how many at a time.
//!
//! A semaphore is a lock that so many may hold at once: children run side by side as ever, and where they meet the
//! semaphore, those beyond that number wait until one of the others is done.
//!
//! In Python:
//!
//! ```python
//! def ktv(person, sem):
//!     sem.acquire()
//!     print("%s enters the ktv and sings" % person)
//!     time.sleep(random.randrange(3, 7))
//!     print("%s leaves the ktv" % person)
//!     sem.release()           # killed before this line, the room is lost for ever
//! sem = Semaphore(4)
//! for i in people: Process(target=ktv, args=(i, sem)).start()
//! ```
//!
//! Here, `acquire` gives a permit that is given back where it goes out of scope. The permits of the dead come back by
//! themselves.
//!
//! Run it: `cargo run --example lesson_09_semaphore`

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;

use offspring::Semaphore;
use offspring::prelude::*;

// 2. The KTV: four microphones, seven people. (A second of a song lasts 50 milliseconds here.)

#[shared]
struct Watch {
    singing: AtomicU32,
    most: AtomicU32,
}

#[process]
fn ktv(person: &str, song: u32, sem: &Semaphore, watch: &Shared<Watch>) {
    let _microphone = sem.acquire();
    let singing = watch.singing.fetch_add(1, Relaxed) + 1;
    watch.most.fetch_max(singing, Relaxed);
    println!("2. {person} enters the ktv and sings");
    sleep(Duration::from_millis(50) * song);
    println!("2. {person} leaves the ktv");
    watch.singing.fetch_sub(1, Relaxed);
}

// 3. Somebody who would sing for ever.

#[process]
fn endless(sem: &Semaphore) {
    let _microphone = sem.acquire();
    sleep(Duration::from_secs(3600));
}

fn main() -> offspring::Result<()> {
    let sem = Semaphore::new(4)?;

    let permits: Vec<_> = (0..4).map(|_| sem.acquire()).collect();
    println!("1. four acquired, left: {}", sem.available());
    println!("1. a fifth would wait: {}", sem.try_acquire().is_none());
    drop(permits);
    println!("1. given back, left: {}", sem.available());

    let watch = Shared::new(Watch { singing: AtomicU32::new(0), most: AtomicU32::new(0) })?;
    let people = [("ss", 3), ("bb", 6), ("dd", 4), ("kk", 5), ("ll", 3), ("mm", 4), ("nn", 5)];
    let all: Vec<_> = people
        .iter()
        .map(|&(person, song)| ktv::spawn(person, song, &sem, &watch))
        .collect::<Result<_, _>>()?;
    for person in all {
        person.join()?;
    }
    println!("2. no more than {} sang at a time", watch.most.load(Relaxed));

    let only = Semaphore::new(1)?;
    let singer = endless::spawn(&only)?;
    while only.available() > 0 {
        sleep(Duration::from_millis(1));
    }
    println!("3. {} has the only microphone, and is killed", singer.name());
    singer.kill()?;
    let _microphone = only.acquire();
    println!("3. main has the microphone");
    Ok(())
}
