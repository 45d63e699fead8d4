//! The program of the README: several processes count words into one shared tally.
//!
//! A process for each file, memory that they share, and a daemon that says how far they are. The
//! whole of it is ordinary functions, an ordinary struct, and four attributes. `word_count` is the
//! same idea grown up.
//!
//! Run it: `cargo run --example tally README.md CHANGELOG.md`

use offspring::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[shared]
struct Tally {
    words: AtomicU64,
    longest: Mutex<Longest>,
}

#[shared]
#[derive(Clone, Copy, Default)]
struct Longest {
    len: u32,
    line: u32,
}

#[process]
fn count(path: &str, tally: &Shared<Tally>) -> std::io::Result<u64> {
    let text = std::fs::read_to_string(path)?;
    let words = text.split_whitespace().count() as u64;
    tally.words.fetch_add(words, Relaxed);
    for (line, number) in text.lines().zip(1..) {
        let len = line.chars().count() as u32;
        let mut longest = tally.longest.lock()?;
        if len > longest.len {
            *longest = Longest { len, line: number }
        }
    }
    Ok(words)
}

#[daemon]
fn report(tally: &Shared<Tally>, every: Duration) {
    loop {
        std::thread::sleep(every);
        eprintln!("{} words so far", tally.words.load(Relaxed));
    }
}

fn main() -> offspring::Result<()> {
    let tally = Shared::new(Tally { words: AtomicU64::new(0), longest: Mutex::default() })?;
    report::spawn(&tally, Duration::from_secs(1))?;
    let children: Vec<Process<_>> = std::env::args()
        .skip(1)
        .map(|path| count::spawn(&path, &tally))
        .collect::<Result<_, _>>()?;
    for child in children {
        child.join()??;
    }
    println!("{}", tally.words.load(Relaxed));
    Ok(())
}
