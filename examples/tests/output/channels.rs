//! Lessons 11, 12 and 14, and the pipeline: queues.

use std::fs;

use crate::program::{Program, example, lines_of, numbers};

fn starting<'a>(lines: &'a [String], prefix: &str) -> Vec<&'a str> {
    lines.iter().map(String::as_str).filter(|line| line.starts_with(prefix)).collect()
}

#[test]
fn lesson_11_keeps_order_bounds_and_what_the_dead_have_put() {
    let lines = lines_of("lesson_11_queue");
    let expected = [
        "1. first in, first out: 100 101 102",
        "1. there is nothing left in it",
        "1. waiting does not help: the queue was empty until time ran out",
        "2. 4 items, no room for 205",
        "3. the child got Wang Fan",
        "3. main got Ma Shengping",
        "4. the child ended: the process was killed by SIGABRT",
        "4. what it had put is there: [1, 2]",
        "4. and nobody is left who could put more",
        "end of the main program ...",
    ];
    // A core dump is told of, too.
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.replace(" and dumped core", "").replace(" (core dumped)", ""))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn lesson_12_joins_when_all_is_done_and_gives_the_jobs_of_the_dead_to_others() {
    let lines = lines_of("lesson_12_joinable_queue");
    assert_eq!(lines[..3], ["1. a", "1. all done before task_done: false", "1. finish"]);
    let mut buns: Vec<u32> = starting(&lines, "2. ").iter().map(|line| numbers(line)[1]).collect();
    buns.sort_unstable();
    assert_eq!(buns, [1, 2, 3, 4, 5, 6]);
    let jobs = starting(&lines, "3. ");
    let expected = [
        "3. job 12, attempt 1",
        "3. job 13, attempt 1",
        "3. job 13, attempt 2",
        "3. job 13, attempt 3",
        "3. job 14, attempt 1",
        "3. 3 workers died of [13]",
    ];
    assert_eq!(jobs, expected);
}

#[test]
fn lesson_14_reads_each_message_once() {
    let lines = lines_of("lesson_14_queue");
    let mut notes: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(" got ").map(|(_, note)| note)).collect();
    notes.sort_unstable();
    let expected = [
        "Beijing: 21.5 degrees",
        "London: 11 degrees",
        "London: rain",
        "Nairobi: 24 degrees",
        "Oslo: 6.5 degrees",
        "Oslo: rain",
    ];
    assert_eq!(notes, expected);
    assert_eq!(lines.last().unwrap(), "6 messages, each read once");
}

#[test]
fn pipeline_counts_every_line_once_however_many_parsers_are_killed() {
    let directory = tempfile::tempdir().unwrap();
    let text = "the quick brown fox\njumps over the lazy dogs\n".repeat(20_000);
    let file = directory.path().join("text");
    fs::write(&file, text).unwrap();
    let output = Program::start(example("pipeline").env("KILLS", "12").arg(&file)).finish();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(
        output.out.iter().any(|line| line == "1 files, 625 pages, 40000 lines, 8 different words"),
        "{output:#?}"
    );
    let killed = output.out.iter().find(|line| line.contains("parsers killed")).unwrap();
    assert!(numbers(killed)[0] >= 1, "{killed}");
    assert_eq!(output.out.last().unwrap(), "no line lost");
    let times = output.out.iter().find(|line| line.contains("quick")).unwrap();
    assert_eq!(numbers(times)[0], 20_000, "{times}");
}
