//! Lessons 8 to 10, and `bank`: who waits for whom, and what the killed leave behind.

use crate::program::{Program, example, lines_of, numbers};

/// The lines of one part, without its number.
fn part<'a>(lines: &'a [String], number: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(number)?.strip_prefix(". ")).collect()
}

fn count(lines: &[&str], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn lesson_08_sells_each_ticket_once_and_outlives_a_holder() {
    let lines = lines_of("lesson_08_lock");
    let expected = [
        "running ...",
        "a second acquire: this thread holds this lock already",
        "a second release: this thread does not hold the lock that it would give back",
    ];
    assert_eq!(part(&lines, "1"), expected);

    let office = part(&lines, "2");
    let tickets: Vec<u32> = office.iter().flat_map(|line| numbers(line)).collect();
    assert_eq!(tickets, [3, 2, 1, 0], "{lines:#?}");
    assert_eq!(count(&office, "sold out"), 2, "{lines:#?}");

    let expected = [
        "keep-1 has the lock, and is killed",
        "main has the lock; left by the dead: true",
        "main has it again; left by the dead: false",
    ];
    assert_eq!(part(&lines, "3"), expected);
}

#[test]
fn lesson_09_lets_four_sing_and_gets_the_microphone_back() {
    let lines = lines_of("lesson_09_semaphore");
    let expected = ["four acquired, left: 0", "a fifth would wait: true", "given back, left: 4"];
    assert_eq!(part(&lines, "1"), expected);

    let ktv = part(&lines, "2");
    let (mut inside, mut most) = (0_i32, 0);
    for line in &ktv {
        inside += i32::from(line.contains("enters")) - i32::from(line.contains("leaves"));
        most = most.max(inside);
    }
    assert_eq!((count(&ktv, "enters"), count(&ktv, "leaves"), inside), (7, 7, 0), "{lines:#?}");
    assert!(most <= 4, "{lines:#?}");
    assert!(ktv.last().is_some_and(|line| numbers(line)[0] <= 4), "{lines:#?}");

    let expected = ["endless-1 has the only microphone, and is killed", "main has the microphone"];
    assert_eq!(part(&lines, "3"), expected);
}

#[test]
fn lesson_10_waits_while_the_event_is_not_set() {
    let lines = lines_of("lesson_10_event");
    assert_eq!(part(&lines, "1"), ["set: false"]);
    assert_eq!(part(&lines, "2"), ["set: true", "running ..."]);
    assert_eq!(part(&lines, "3"), ["waited for 0.3 seconds; set: false", "running ..."]);

    let street = part(&lines, "4");
    let place = |what: &str| street.iter().position(|line| *line == what);
    for number in 1..=6 {
        let goes = place(&format!("car {number} goes"));
        assert!(goes > place("green"), "{lines:#?}");
        assert!(goes > place(&format!("car {number} waits")), "{lines:#?}");
    }
    assert_eq!(place("car 0 goes"), None, "{lines:#?}");
    assert_eq!(count(&street, "towed away"), 1);
}

#[test]
fn bank_loses_no_coin_however_many_clerks_are_killed() {
    let output = Program::start(example("bank").arg("60")).finish();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(output.err.is_empty(), "{output:#?}");
    let [.., work, kills, sum] = &output.out[..] else { panic!("{output:#?}") };
    assert!(numbers(work)[0] > 0, "{output:#?}");
    let [60, mended] = numbers(kills)[..] else { panic!("{output:#?}") };
    assert!(mended > 0, "no kill was in the middle of a transfer: {output:#?}");
    assert_eq!(sum, "12000 in the bank, of 12000");
}
