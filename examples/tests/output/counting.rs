//! `tally` and `word_count`, on files whose words are known.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use crate::program::{Output, Program, example, numbers};

fn run(command: &mut Command) -> Output {
    Program::start(command).finish()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A directory with two texts, one of which is not UTF-8 throughout.
fn texts() -> TempDir {
    let directory = tempfile::tempdir().expect("there is room");
    let write = |name: &str, text: &[u8]| fs::write(directory.path().join(name), text).unwrap();
    write("sea.txt", b"The sea, the sea!\nIt isn't the land.\n\n");
    write("land.txt", b"the land\nand the longest line of all, by far\n\xff\xfe caf\xc3\xa9\n");
    directory
}

/// The rows of the table of workers, as words.
fn rows(output: &Output) -> Vec<Vec<&str>> {
    let table = output.out.iter().skip(1).take_while(|line| !line.is_empty());
    table.map(|row| row.split_whitespace().collect()).collect()
}

#[test]
fn tally_counts_real_texts() {
    let texts =
        ["README.md", "CONTRIBUTING.md", "examples/word_count.rs"].map(|name| project().join(name));
    let words = |path| fs::read_to_string(path).unwrap().split_whitespace().count();
    let expected: usize = texts.iter().map(words).sum();

    let output = run(example("tally").args(&texts));
    assert_eq!((output.code, output.out), (Some(0), vec![expected.to_string()]));
}

#[test]
fn tally_passes_on_the_error_of_a_child() {
    let output = run(example("tally").arg("/no/such/file"));
    assert_eq!(output.code, Some(1));
    assert!(output.err.iter().any(|line| line.contains("No such file")), "{output:#?}");
    assert!(output.out.is_empty(), "{output:#?}");
}

#[test]
fn word_count_reports_files_words_and_the_longest_line() {
    let texts = texts();
    let output = run(example("word_count").current_dir(&texts).args(["sea.txt", "land.txt"]));
    assert_eq!(output.code, Some(0), "{output:#?}");

    let rows = rows(&output);
    assert_eq!([&rows[0][1..], &rows[1][1..]], [["3", "8", "sea.txt"], ["3", "11", "land.txt"]]);
    assert_ne!(rows[0][0], rows[1][0], "one process for both");

    let top: Vec<(u32, &str)> = output
        .out
        .iter()
        .filter(|line| line.ends_with('#'))
        .map(|line| (numbers(line)[0], line.split_whitespace().nth(1).unwrap()))
        .collect();
    assert_eq!(top[..4], [(5, "the"), (2, "land"), (2, "sea"), (1, "all")]);
    assert_eq!(top.len(), 10);

    let has = |wanted: &str| assert!(output.out.iter().any(|line| line == wanted), "{output:#?}");
    has("longest line: land.txt:2, 35 characters");
    has("total: 2 files, 6 lines, 19 words, 92 bytes");
}

#[test]
fn word_count_goes_on_without_what_it_cannot_read() {
    let texts = texts();
    let files = ["sea.txt", "missing.txt", ".", "land.txt"];
    let output = run(example("word_count").current_dir(&texts).args(files));
    assert_eq!(output.code, Some(1), "{output:#?}");
    let rows = rows(&output);
    assert_eq!(rows[1][1..], ["-", "-", "missing.txt"]);
    assert_eq!(rows[2][1..], ["-", "-", "."]);
    let complaint = "word_count: missing.txt: No such file or directory (os error 2)";
    assert!(output.err.iter().any(|line| line == complaint), "{output:#?}");
    let total = "total: 2 files, 6 lines, 19 words, 92 bytes";
    assert!(output.out.iter().any(|line| line == total), "{output:#?}");
}

#[test]
fn word_count_tells_its_progress_while_a_worker_waits() {
    let texts = texts();
    // A pipe under a name: whoever reads it waits until somebody writes.
    let pipe = texts.path().join("later.txt");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut command = example("word_count");
    let mut program = Program::start(command.current_dir(&texts).args(["sea.txt", "later.txt"]));
    program.wait_for_err(|line| line.trim() == "1 of 2 files, 8 words");
    OpenOptions::new().write(true).open(&pipe).unwrap().write_all(b"at last\n").unwrap();

    let output = program.finish();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert_eq!(rows(&output)[1][1..], ["1", "2", "later.txt"]);
}

#[test]
fn word_count_finds_the_project_around_it() {
    let project = tempfile::tempdir().unwrap();
    let deep = project.path().join("src/deep");
    for directory in ["src/deep", "target", ".hidden"] {
        fs::create_dir_all(project.path().join(directory)).unwrap();
    }
    for name in ["Cargo.lock", "page.md", "src/deep/code.rs", "target/built.rs", ".hidden/a.md"] {
        File::create(project.path().join(name)).unwrap().write_all(b"word\n").unwrap();
    }
    let output = run(example("word_count").current_dir(deep));
    assert_eq!(output.code, Some(0), "{output:#?}");
    let rows = rows(&output);
    let files: Vec<&str> = rows.iter().map(|row| *row.last().unwrap()).collect();
    assert_eq!(files.len(), 2, "{output:#?}");
    assert!(files[0].ends_with("/page.md") && files[1] == "code.rs", "{output:#?}");
}
