//! The medians of a run as Markdown: the table for the README, and the promises beside what was reached.

use std::fmt::Write as _;

use super::{Case, Rival};
use crate::report;

/// The table and the promises, from whatever criterion has last written for each.
pub fn markdown() -> String {
    let mut text = format!("{}\n\n", report::machine());
    table(&mut text);
    text.push('\n');
    promises(&mut text);
    text
}

fn median(case: Case, rival: Rival) -> Option<f64> {
    report::median(case.key(), rival.key())
}

fn table(text: &mut String) {
    text.push_str("| |");
    for rival in Rival::ALL {
        let _ = write!(text, " {} |", rival.label());
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(Rival::ALL.len()));
    for case in Case::ALL {
        let _ = write!(text, "| {} |", case.label());
        for rival in Rival::ALL {
            let cell = median(case, rival).map(time);
            let _ = write!(text, " {} |", cell.unwrap_or_default());
        }
        text.push('\n');
    }
}

fn time(nanos: f64) -> String {
    match nanos {
        0.0..100.0 => format!("{nanos:.1} ns"),
        100.0..1_000.0 => format!("{nanos:.0} ns"),
        1_000.0..100_000.0 => format!("{:.1} µs", nanos / 1_000.0),
        _ => format!("{:.0} µs", nanos / 1_000.0),
    }
}

/// With whom or what our time is compared.
enum Against {
    /// That of a rival, in the same case.
    Rival(Rival),
    /// So many nanoseconds.
    Nanos(f64),
}

/// Our time is at most so many times the other's.
struct Promise {
    case: Case,
    against: Against,
    limit: f64,
}

const fn promise(case: Case, against: Against, limit: f64) -> Promise {
    Promise { case, against, limit }
}

const PROMISES: [Promise; 8] = [
    promise(Case::Uncontended, Against::Rival(Rival::Std), 1.15),
    promise(Case::Contended2, Against::Rival(Rival::Robust), 1.0 / 1.5),
    promise(Case::Contended4, Against::Rival(Rival::Robust), 1.0 / 1.5),
    promise(Case::Semaphore, Against::Rival(Rival::Posix), 1.1),
    promise(Case::EventAwake, Against::Nanos(150.0), 1.0),
    promise(Case::EventAsleep, Against::Rival(Rival::Pipe), 1.0),
    promise(Case::Barrier2, Against::Nanos(100.0), 1.0),
    promise(Case::Barrier4, Against::Rival(Rival::Pthread), 1.0),
];

fn promises(text: &mut String) {
    text.push_str("| ours | against | at most | measured | |\n|---|---|---:|---:|---|\n");
    for Promise { case, against, limit } in PROMISES {
        let (name, other) = match against {
            Against::Rival(rival) => (rival.label().to_owned(), median(case, rival)),
            Against::Nanos(nanos) => (time(nanos), Some(nanos)),
        };
        let (measured, kept) = match (median(case, Rival::Offspring), other) {
            (Some(ours), Some(other)) => {
                let ratio = ours / other;
                (format!("{ratio:.2}×"), if ratio <= limit { "reached" } else { "missed" })
            }
            _ => ("–".to_owned(), "not measured"),
        };
        let case = case.label();
        let _ = writeln!(text, "| {case} | {name} | {limit:.2}× | {measured} | {kept} |");
    }
}
