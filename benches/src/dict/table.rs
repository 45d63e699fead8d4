//! The medians of a run as Markdown: the table for the README, and the promises beside what was reached.

use std::fmt::Write as _;

use super::case::{Case, Kind};
use super::promise;
use super::rival::Rival;
use crate::report;

/// The table and the promises, from whatever criterion has last written for each.
pub fn markdown() -> String {
    let mut text = format!("{}\n\n", report::machine());
    table(&mut text);
    text.push('\n');
    promise::table(&mut text);
    text
}

/// Nanoseconds for one operation, or for a byte of an array.
pub(super) fn median(case: Case, rival: Rival) -> Option<f64> {
    Some(report::median(case.key(), rival.key())? / case.items() as f64)
}

fn table(text: &mut String) {
    text.push_str("| |");
    for case in Case::ALL {
        let unit = if case.kind() == Kind::Array { "GB/s" } else { "M/s" };
        let _ = write!(text, " {}, {unit} |", case.label());
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(Case::ALL.len()));
    for rival in Rival::ALL {
        let medians = Case::ALL.map(|case| (case, median(case, rival)));
        if medians.iter().all(|(_, median)| median.is_none()) {
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

fn cell(case: Case, nanos: f64) -> String {
    let rate = if case.kind() == Kind::Array { 1.0 / nanos } else { 1e3 / nanos };
    match rate {
        0.0..1.0 => format!("{rate:.3}"),
        1.0..10.0 => format!("{rate:.2}"),
        10.0..100.0 => format!("{rate:.1}"),
        _ => format!("{rate:.0}"),
    }
}
