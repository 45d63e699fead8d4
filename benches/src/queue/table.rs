//! The medians of a run as Markdown: the tables for the README, and the promises beside what was reached.

use std::fmt::Write as _;

use super::case::{Case, Kind};
use super::promise;
use super::rival::Rival;
use crate::report;

/// From here on bytes are what matters, not items.
const LARGE: usize = 1 << 16;

/// The tables and the promises, from whatever criterion has last written for each.
pub fn markdown() -> String {
    let mut text = format!("{}\n\n", report::machine());
    table(&mut text, &Case::FLOWS);
    text.push('\n');
    table(&mut text, &Case::WAITS);
    text.push('\n');
    promise::table(&mut text);
    text
}

/// Nanoseconds for one item, or there and back, or of processor time.
pub(super) fn median(case: Case, rival: Rival) -> Option<f64> {
    let iteration = report::median(case.key(), rival.key())?;
    Some(if case.kind() == Kind::Flow { iteration / case.items() as f64 } else { iteration })
}

fn table(text: &mut String, cases: &[Case]) {
    text.push_str("| |");
    for case in cases {
        let _ = write!(text, " {}{} |", case.label(), unit(*case));
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(cases.len()));
    for rival in Rival::ALL {
        let medians = cases.iter().map(|case| (*case, median(*case, rival)));
        if medians.clone().all(|(_, median)| median.is_none()) {
            continue;
        }
        let _ = write!(text, "| {} |", rival.label());
        for (case, median) in medians {
            let cell = median.map(|nanos| cell(case, nanos)).unwrap_or_default();
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
}

fn unit(case: Case) -> &'static str {
    match case.kind() {
        Kind::Flow if case.size() >= LARGE => ", GB/s",
        Kind::Flow => ", M/s",
        _ => "",
    }
}

fn cell(case: Case, nanos: f64) -> String {
    match case.kind() {
        Kind::Flow if case.size() >= LARGE => rate(case.size() as f64 / nanos),
        Kind::Flow => rate(1e3 / nanos),
        _ => time(nanos),
    }
}

fn rate(rate: f64) -> String {
    match rate {
        0.0..10.0 => format!("{rate:.2}"),
        10.0..100.0 => format!("{rate:.1}"),
        _ => format!("{rate:.0}"),
    }
}

/// A time in the unit that suits it.
pub(super) fn time(nanos: f64) -> String {
    match nanos {
        0.0..1_000.0 => format!("{nanos:.0} ns"),
        1_000.0..100_000.0 => format!("{:.1} µs", nanos / 1e3),
        100_000.0..1_000_000.0 => format!("{:.0} µs", nanos / 1e3),
        _ => format!("{:.1} ms", nanos / 1e6),
    }
}
