//! A whole program: counts the words of many files in parallel.
//!
//! A process for each file, as many at a time as there are processors; tallies in shared memory that
//! all of them write; a daemon that reads those and reports progress. A file that cannot be read, or
//! whose worker is killed, is reported and costs nothing but its own figures.
//!
//! Run it: `cargo run --release --example word_count [file ...]`. Without files it counts the sources
//! and Markdown pages of the project in whose directory it is run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{env, fs, io};

use offspring::prelude::*;
use offspring::process::{Waitable, wait_any};
use offspring::sync::MutexGuard;

/// What all workers write and the daemon reads: one piece of memory in many processes.
#[shared]
#[derive(Default)]
struct Tally {
    files: AtomicU64,
    lines: AtomicU64,
    words: AtomicU64,
    bytes: AtomicU64,
    longest: Mutex<Longest>,
}

/// The longest line so far. Three numbers that belong together, hence the mutex around them.
#[shared]
#[derive(Clone, Copy, Default)]
struct Longest {
    chars: u64,
    file: u64,
    line: u64,
}

/// What a worker sends back when it is done.
#[message]
struct Counted {
    lines: u64,
    words: u64,
    bytes: u64,
    frequencies: HashMap<String, u64>,
}

/// The worker. `index` is the place of the file in the list: shared memory holds numbers, no names.
#[process]
fn count(path: &Path, index: u64, tally: &Shared<Tally>) -> io::Result<Counted> {
    let bytes = fs::read(path)?;
    // Text in another encoding still has words, and lines.
    let text = String::from_utf8_lossy(&bytes);
    let mut longest = Longest::default();
    let mut frequencies = HashMap::new();
    let mut lines = 0;
    for line in text.lines() {
        lines += 1;
        let chars = line.chars().count() as u64;
        if chars > longest.chars {
            longest = Longest { chars, file: index, line: lines };
        }
        for word in words_of(line) {
            *frequencies.entry(word).or_default() += 1;
        }
    }
    let words = frequencies.values().sum();
    let counted = Counted { lines, words, bytes: bytes.len() as u64, frequencies };

    tally.lines.fetch_add(counted.lines, Relaxed);
    tally.words.fetch_add(counted.words, Relaxed);
    tally.bytes.fetch_add(counted.bytes, Relaxed);
    tally.files.fetch_add(1, Relaxed);
    enter(longest, tally)?;
    Ok(counted)
}

/// Keeps the longer of two lines; the earlier file, where they are equally long.
fn enter(mine: Longest, tally: &Tally) -> io::Result<()> {
    let mut best = locked(tally)?;
    if mine.chars > best.chars || (mine.chars == best.chars && mine.file < best.file) {
        *best = mine;
    }
    Ok(())
}

/// The longest line, with the lock on it. Had a worker been killed while it wrote there, whoever comes
/// next hears of it here: what was half written is worth nothing.
fn locked(tally: &Tally) -> io::Result<MutexGuard<'_, Longest>> {
    let guard = tally.longest.lock().or_else(|error| {
        error.recover(|half_written| {
            eprintln!("word_count: the longest line was lost with a worker, starting over");
            *half_written = Longest::default();
        })
    })?;
    Ok(guard)
}

/// The words of a line in lower case: letters, with apostrophes inside.
fn words_of(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_alphabetic() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
}

/// Says now and then how far the workers are. It is never told to stop: it ends with its parent.
#[daemon]
fn progress(tally: &Shared<Tally>, of: u64) {
    loop {
        let (files, words) = (tally.files.load(Relaxed), tally.words.load(Relaxed));
        eprintln!("{files:>6} of {of} files, {words} words");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn main() -> offspring::Result<ExitCode> {
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = project_files()?;
    }
    let tally = Shared::new(Tally::default())?;
    let reporter = progress::spawn(&tally, paths.len() as u64)?;
    let reports = count_all(&paths, &tally)?;
    // The report below stands alone, no line of progress in the middle of it.
    reporter.terminate()?;
    reporter.wait()?;

    print_workers(&reports);
    print_frequencies(&reports);
    print_totals(&paths, &reports, &tally)?;
    let failures = reports.iter().filter(|report| report.outcome.is_err()).count();
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How a file fared.
struct Report<'a> {
    path: &'a Path,
    pid: u32,
    outcome: Result<Counted, Box<dyn std::error::Error>>,
}

/// A process that counts, and which file.
struct Worker {
    index: usize,
    process: Process<io::Result<Counted>>,
}

/// Counts each file in a process of its own, as many at a time as can run at the same time.
fn count_all<'a>(
    paths: &'a [PathBuf],
    tally: &Shared<Tally>,
) -> offspring::Result<Vec<Report<'a>>> {
    let mut waiting = paths.iter().enumerate();
    let mut running: Vec<Worker> = Vec::new();
    let mut reports = Vec::new();
    loop {
        let free = offspring::cpu_count().saturating_sub(running.len());
        for (index, path) in waiting.by_ref().take(free) {
            running.push(Worker { index, process: count::spawn(path, index as u64, tally)? });
        }
        if running.is_empty() {
            break;
        }
        let processes: Vec<&dyn Waitable> = running.iter().map(|w| &w.process as _).collect();
        // From the back, so that the positions still to come stay true.
        for position in wait_any(&processes, None)?.into_iter().rev() {
            reports.push(running.swap_remove(position).report(paths));
        }
    }
    reports.sort_by_key(|(index, _)| *index);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

impl Worker {
    fn report(self, paths: &[PathBuf]) -> (usize, Report<'_>) {
        let pid = self.process.pid();
        let outcome = match self.process.join() {
            Ok(Ok(counted)) => Ok(counted),
            Ok(Err(unreadable)) => Err(unreadable.into()),
            Err(died) => Err(died.into()),
        };
        (self.index, Report { path: &paths[self.index], pid, outcome })
    }
}

fn print_workers(reports: &[Report<'_>]) {
    println!("{:>8} {:>8} {:>9}  file", "pid", "lines", "words");
    for Report { path, pid, outcome } in reports {
        let path = path.display();
        match outcome {
            Ok(counted) => println!("{pid:>8} {:>8} {:>9}  {path}", counted.lines, counted.words),
            Err(error) => {
                println!("{pid:>8} {:>8} {:>9}  {path}", "-", "-");
                eprintln!("word_count: {path}: {error}");
            }
        }
    }
}

fn print_frequencies(reports: &[Report<'_>]) {
    let mut totals: HashMap<&str, u64> = HashMap::new();
    for counted in reports.iter().filter_map(|report| report.outcome.as_ref().ok()) {
        for (word, times) in &counted.frequencies {
            *totals.entry(word).or_default() += times;
        }
    }
    let mut ranking: Vec<(&str, u64)> = totals.into_iter().collect();
    ranking.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    ranking.truncate(10);

    println!("\n{:>8}  most frequent words", "times");
    let most = ranking.first().map_or(1, |(_, times)| *times);
    let width = ranking.iter().map(|(word, _)| word.chars().count()).max().unwrap_or(0);
    for (word, times) in ranking {
        let bar = "#".repeat((times * 40).div_ceil(most) as usize);
        println!("{times:>8}  {word:<width$}  {bar}");
    }
}

fn print_totals(
    paths: &[PathBuf],
    reports: &[Report<'_>],
    tally: &Shared<Tally>,
) -> io::Result<()> {
    let longest = *locked(tally)?;
    if longest.chars > 0 {
        let (path, Longest { chars, line, .. }) = (&paths[longest.file as usize], longest);
        println!("\nlongest line: {}:{line}, {chars} characters", path.display());
    }
    let [files, lines, words, bytes] =
        [&tally.files, &tally.lines, &tally.words, &tally.bytes].map(|number| number.load(Relaxed));
    println!("total: {files} files, {lines} lines, {words} words, {bytes} bytes");
    println!(
        "{} processes, at most {} at a time, all children of {}",
        reports.len(),
        offspring::cpu_count(),
        std::process::id()
    );
    Ok(())
}

/// The sources and Markdown pages of the project around the current directory.
fn project_files() -> io::Result<Vec<PathBuf>> {
    let here = env::current_dir()?;
    let root = here.ancestors().find(|directory| directory.join("Cargo.lock").exists());
    let mut files = Vec::new();
    collect(root.unwrap_or(&here), &mut files)?;
    for file in &mut files {
        if let Ok(short) = file.strip_prefix(&here) {
            *file = short.to_owned();
        }
    }
    files.sort();
    Ok(files)
}

/// Adds what is in `directory` and below; nothing hidden, nothing that was built.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "md") {
            files.push(path);
        }
    }
    Ok(())
}
