//! A whole program: three stages in as many kinds of processes, of which the middle one is killed again and again, and no line is lost.
//!
//! ```text
//! reader ── JoinableQueue<Page> ──▶ parsers ── Queue<Parsed> ──▶ aggregator
//! ```
//! The reader cuts texts into pages. A parser takes a page, counts its words, sends what it has found on, and says that the page is done.
//! A parser that is killed in the middle leaves its page to the next one; main puts another in its place. One that is killed
//! between sending and saying so has its page done twice: the aggregator looks at the number, and counts each page once.
//!
//! Run it: `cargo run --release --example pipeline [file ...]`. Without files it reads the pages and sources of the project in whose directory
//! it is run. The environment variable `KILLS` says how many parsers are to be killed (8 if it is not set).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use std::{env, fs, io};

use offspring::prelude::*;
use offspring::{JoinableQueue, Queue, message};

/// Lines of one page.
const LINES: usize = 64;

/// A piece of a text.
#[message]
struct Page {
    number: u64,
    lines: Vec<String>,
}

/// What a parser finds in one.
#[message]
struct Parsed {
    page: u64,
    lines: u64,
    words: HashMap<String, u64>,
}

/// What the aggregator makes of all.
#[message]
#[derive(Default)]
struct Summary {
    pages: u64,
    lines: u64,
    twice: u64,
    words: HashMap<String, u64>,
}

/// How far the stages are, for the line of progress.
#[shared]
#[derive(Default)]
struct Progress {
    read: AtomicU64,
    again: AtomicU64,
    counted: AtomicU64,
}

#[process]
fn read(
    paths: Vec<PathBuf>,
    pages: &JoinableQueue<Page>,
    progress: &Shared<Progress>,
) -> io::Result<u64> {
    let (mut number, mut total) = (0, 0);
    for path in paths {
        let bytes = fs::read(path)?;
        let lines: Vec<String> =
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        total += lines.len() as u64;
        for lines in lines.chunks(LINES) {
            // Waits while the parsers are behind.
            pages.put(Page { number, lines: lines.to_vec() }).map_err(io::Error::other)?;
            number += 1;
            progress.read.store(number, Relaxed);
        }
    }
    Ok(total)
}

#[process]
fn parse(pages: &JoinableQueue<Page>, found: &Queue<Parsed>, progress: &Shared<Progress>) {
    for page in pages {
        if page.attempt() > 1 {
            progress.again.fetch_add(1, Relaxed);
        }
        let mut words = HashMap::new();
        for word in page.lines.iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric())) {
            if !word.is_empty() {
                *words.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let parsed = Parsed { page: page.number, lines: page.lines.len() as u64, words };
        if found.put(parsed).is_err() {
            return;
        }
        page.done();
    }
}

#[process]
fn aggregate(found: &Queue<Parsed>, progress: &Shared<Progress>) -> Summary {
    let (mut summary, mut seen) = (Summary::default(), HashSet::new());
    for Parsed { page, lines, words } in found {
        if !seen.insert(page) {
            summary.twice += 1;
            continue;
        }
        summary.pages += 1;
        summary.lines += lines;
        for (word, times) in words {
            *summary.words.entry(word).or_default() += times;
        }
        progress.counted.store(summary.pages, Relaxed);
    }
    summary
}

#[daemon]
fn report(progress: &Shared<Progress>, pages: &JoinableQueue<Page>) {
    loop {
        let [read, counted, again] =
            [&progress.read, &progress.counted, &progress.again].map(|number| number.load(Relaxed));
        eprintln!(
            "{read:>6} pages read, {:>3} waiting, {counted:>6} counted, {again} given out again",
            pages.len()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn main() -> offspring::Result<()> {
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = project_files()?;
    }
    let files = paths.len();
    let kills = env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    // Somebody may be unlucky, and get a page whose parsers are killed time and again.
    let pages = JoinableQueue::bounded(32)?.with_attempts(1000);
    let (found, progress) = (Queue::bounded(64)?, Shared::new(Progress::default())?);
    let reporter = report::spawn(&progress, &pages)?;

    let aggregator = aggregate::spawn(&found, &progress)?;
    let reader = read::spawn(paths, &pages, &progress)?;
    let killed = parse_all(&reader, &pages, &found, &progress, kills)?;
    let lines = reader.join()??;
    found.close();
    let summary = aggregator.join()?;
    reporter.terminate()?;
    reporter.wait()?;

    print_words(&summary.words);
    println!(
        "{files} files, {} pages, {} lines, {} different words",
        summary.pages,
        summary.lines,
        summary.words.len()
    );
    println!(
        "{killed} parsers killed and replaced, {} pages given out again, {} of them counted already",
        progress.again.load(Relaxed),
        summary.twice
    );
    assert_eq!(summary.lines, lines, "a line was lost, or counted twice");
    println!("no line lost");
    Ok(())
}

/// Keeps as many parsers as there are processors at work until all pages are done, and kills one now and then.
fn parse_all(
    reader: &Process<io::Result<u64>>,
    pages: &JoinableQueue<Page>,
    found: &Queue<Parsed>,
    progress: &Shared<Progress>,
    kills: u64,
) -> offspring::Result<u64> {
    let start = || parse::spawn(pages, found, progress);
    let mut parsers =
        (0..offspring::cpu_count()).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
    let (mut killed, mut next) = (0, Instant::now());
    while reader.is_alive() || !pages.join_timeout(Duration::from_micros(200))? {
        if killed < kills && Instant::now() >= next {
            parsers[random(parsers.len() as u64) as usize].kill()?;
            next = Instant::now() + Duration::from_micros(500 + random(3000));
        }
        for parser in parsers.iter_mut().filter(|parser| !parser.is_alive()) {
            *parser = start()?;
            killed += 1;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    pages.close();
    parsers.into_iter().try_for_each(|parser| parser.wait().map(drop))?;
    Ok(killed)
}

/// A number below `limit`.
fn random(limit: u64) -> u64 {
    RandomState::new().hash_one(Instant::now()) % limit
}

fn print_words(words: &HashMap<String, u64>) {
    let mut ranking: Vec<_> = words.iter().filter(|(word, _)| word.len() > 3).collect();
    ranking.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    let most = ranking.first().map_or(1, |(_, times)| **times);
    println!("{:>8}  most frequent longer words", "times");
    for (word, times) in ranking.into_iter().take(10) {
        let bar = "#".repeat((times * 40).div_ceil(most) as usize);
        println!("{times:>8}  {word:<12}  {bar}");
    }
}

/// The pages and sources of the project around the current directory.
fn project_files() -> io::Result<Vec<PathBuf>> {
    let here = env::current_dir()?;
    let root = here.ancestors().find(|directory| directory.join("Cargo.lock").exists());
    let (mut files, mut directories) = (Vec::new(), vec![root.unwrap_or(&here).to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            if path.is_dir() && name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                directories.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
