//! Lessons 1 to 7: processes; lesson 14: pipes between them, and shared memory that has a name.

use crate::program::{lines_of, numbers};

/// The lines that begin with `prefix`, in order.
fn starting<'a>(lines: &'a [String], prefix: &str) -> Vec<&'a str> {
    lines.iter().map(String::as_str).filter(|line| line.starts_with(prefix)).collect()
}

fn sorted(lines: &[String]) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.sort_unstable();
    lines
}

fn position(lines: &[String], wanted: &str) -> usize {
    let found = lines.iter().position(|line| line == wanted);
    found.unwrap_or_else(|| panic!("no line {wanted:?} in {lines:#?}"))
}

#[test]
fn lesson_01_shows_three_processes_with_memory_of_their_own() {
    let lines = lines_of("lesson_01_process");
    let counts = [&lines[0], &lines[1]].map(|line| numbers(line)[0]);
    assert!(counts[0] >= 2 && counts[1] >= 1, "{lines:#?}");

    let rows = [("A", "A was here"), ("B", "B was here"), ("main", "nothing yet")];
    let mut pids = Vec::new();
    for (row, (name, note)) in lines[4..7].iter().zip(rows) {
        assert!(row.starts_with(&format!("{name} ")) && row.ends_with(note), "{row}");
        pids.push(numbers(row)[0]);
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 3, "{lines:#?}");
    assert_eq!(lines.len(), 9, "{lines:#?}");
}

#[test]
fn lesson_02_gives_the_same_numbers_from_both_sides() {
    let lines = lines_of("lesson_02_pid");
    let (main, child) = (numbers(&lines[0])[0], numbers(&lines[1])[0]);
    let sleeper = *numbers(&lines[4]).last().expect("a pid");
    assert!(main != child && main != sleeper, "{lines:#?}");
    let expected = [
        format!("main:   my pid is {main}"),
        format!("child:  my pid is {child}, my parent's is {main}"),
        "child:  I am \"who_am_i-1\", started by \"main\"".to_owned(),
        format!("main:   the child that I started as {child} says {child}, child of {main}"),
        format!("main:   sleep_long-1 would sleep for an hour: kill -9 {sleeper}"),
        "main:   it was killed by SIGKILL".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn lesson_03_keeps_the_childs_count_from_the_parent() {
    let lines = lines_of("lesson_03_args");
    let [_, child, parent] = numbers(&lines[0])[..] else { panic!("{lines:#?}") };
    assert_eq!(lines[0], format!("1. child's pid>>{child}, parent's pid>>{parent}"));
    assert_ne!(child, parent);

    // Two processes printed these.
    let both = &lines[1..11];
    assert_eq!(starting(both, "*"), ["*", "**", "***", "****", "*****"]);
    let repeated = starting(both, "2. ");
    let [_, child, same_parent] = numbers(repeated[0])[..] else { panic!("{lines:#?}") };
    assert_eq!(repeated, vec![format!("2. child's pid>>{child}, parent's pid>>{parent}"); 5]);
    assert_eq!(same_parent, parent);

    assert_eq!(lines[11..], ["3. I am the child: count=11", "3. I am the parent: count=10"]);
}

#[test]
fn lesson_04_leaves_no_zombies_and_waits_for_its_children() {
    let lines = lines_of("lesson_04_zombies");
    assert_eq!(lines[0], "20 children have ended, zombies: 0");
    let expected = [
        "child 1 is done",
        "child 1 starts",
        "child 2 is done",
        "child 2 starts",
        "child 3 is done",
        "child 3 starts",
        "main has nothing left to do",
    ];
    assert_eq!(sorted(&lines[1..]), expected);
    for number in 1..=3 {
        let start = position(&lines, &format!("child {number} starts"));
        assert!(start < position(&lines, &format!("child {number} is done")), "{lines:#?}");
    }
}

#[test]
fn lesson_05_sends_the_last_mail_last() {
    let lines = lines_of("lesson_05_join");
    assert_eq!(lines[0], "sent the first mail: please raise my salary");
    assert_eq!(lines[1], "sent the second mail: 60,000 a month, thank you");
    let mails: Vec<String> =
        (0..10).map(|i| format!("sent mail {i}: please promote me and raise my salary")).collect();
    assert_eq!(sorted(&lines[2..12]), mails);
    assert_eq!(lines[12..], ["main sends the last mail: with kind regards"]);
}

#[test]
fn lesson_06_runs_the_class_form_with_and_without_arguments() {
    let lines = lines_of("lesson_06_class");
    for prefix in ["1. ", "2. "] {
        // Main and child each know both numbers.
        let by_main = starting(&lines, &format!("{prefix}main's pid"));
        let by_child = starting(&lines, &format!("{prefix}child's pid"));
        let [_, main, child] = numbers(by_main[0])[..] else { panic!("{lines:#?}") };
        assert_eq!(by_main, [format!("{prefix}main's pid>>{main}, child's pid>>{child}")]);
        assert_eq!(by_child, [format!("{prefix}child's pid>>{child}, parent's pid>>{main}")]);
        assert_ne!(main, child);
    }
    let greeting = position(&lines, "2. Dear parent,");
    assert!(greeting < position(&lines, "2. I am the argument"));
    assert_eq!(lines[2], "2. main can call methods too: Dear parent,");
    assert_eq!(lines[7..], ["2. the letter had 17 bytes"]);
}

#[test]
fn lesson_07_ends_daemons_and_waits_for_the_others() {
    let mut lines = lines_of("lesson_07_daemon");
    // The daemon may be ended before it comes to its first line, but never reaches its last.
    let starts = starting(&lines, "start of the daemon").len();
    assert!(starts <= 1, "{lines:#?}");
    lines.retain(|line| line != "start of the daemon");

    let stars = starting(&lines, "*");
    let growing: Vec<String> = (1..=stars.len()).map(|count| "*".repeat(count)).collect();
    assert_eq!(stars, growing);
    assert_eq!(lines[0], "end of the first program ...");
    assert!(position(&lines, "start of func2") < position(&lines, "end of func2"));
    // The stars go on for ever where nobody ends them: this test is over because somebody did.
    lines.retain(|line| !line.starts_with('*'));
    let expected = [
        "end of func2",
        "end of the first program ...",
        "end of the second program ...",
        "start of func2",
    ];
    assert_eq!(sorted(&lines), expected);
}

#[test]
fn lesson_13_shares_collections() {
    let lines = lines_of("lesson_13_manager");
    assert_eq!(lines.len(), 7, "{lines:#?}");
    assert_eq!(lines[0], "1. {\"count\": 19950}");
    assert_eq!(lines[1], "2. [51, 2, 3]");
    // Two processes, one after the other.
    assert_eq!(lines[2], "3. {\"rust\": [\"ann\", \"bob\"]}");
    assert!(lines[3].starts_with("4. ") && lines[3].contains("SIGABRT"), "{}", lines[3]);
    assert_eq!(lines[4], "4. nothing has changed, nothing is locked: {\"count\": 7}");
    assert_eq!(lines[5], "4. {\"count\": 8}");
    assert_eq!(lines[6], "5. {\"tea\": 8} [\"two cups of tea\"]");
}

#[test]
fn lesson_14_sends_and_receives_and_sees_the_end() {
    let expected = [
        "1. one end sends",
        "1. in one process,",
        "1. the other receives in another",
        "2. Tea { cups: 2 } -> 2 cups of tea",
        "2. Cake(\"poppy seed\") -> a piece of poppy seed cake",
        "2. the kitchen served 2 guests",
        "3. li heard: the night is long",
        "3. du heard: the moon is bright",
        "4. once upon a time ...",
        "4. the other end of the connection is gone",
    ];
    assert_eq!(lines_of("lesson_14_pipe"), expected);
}

#[test]
fn lesson_14_finds_memory_by_its_name_as_long_as_its_owner_is_there() {
    let expected = [
        "1. the child reads: how are you?",
        "1. the parent reads: fine, thank you",
        "1. the parent reads: FINE, THANK YOU",
        "2. the other program reads: FINE, THANK YOU",
        "3. the other program cooks dumplings",
        "3. the other program cooks noodles",
        "3. the other program ended: badly",
        "3. still there: kitchen, a Lock",
        "3. still there: orders, a Queue<String>",
        "4. `orders` is of the type `Queue<String>`, not `Lock`",
        "4. there is something of the name `blackboard` already, and its owner is running",
        "4. there is nothing of the name `greenboard`: has its owner made it, and is it still running?",
        "4. there is nothing of the name `blackboard`: has its owner made it, and is it still running?",
    ];
    assert_eq!(lines_of("lesson_14_shared_memory"), expected);
}
